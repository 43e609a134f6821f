import type { Command } from "commander";
import { type CatalogueEntry, optionsOf } from "../../kernel/catalogue.ts";
import { exitCode } from "../../kernel/config-problem.ts";
import { formatProblems } from "../../kernel/config-report.ts";
import type { Configured } from "../../kernel/configure.ts";
import { FAMILIES } from "../../kernel/families.ts";
import { optionKey } from "../../kernel/setting.ts";
import { formatValue } from "../../kernel/value-types.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type Flags, readConfiguration } from "./load-settings.ts";
import { offersOf } from "./statestore-offers.ts";

interface PluginsOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  troupe plugins                             what is built in, and what the configuration loads
  troupe plugins --verbose                   with every option
  troupe plugins --plugins ./my-balancer.ts --json

A star marks what the configuration selects.
`;

/** Adds `troupe plugins`. */
export function addPlugins(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("plugins")
    .description("list plug-ins by family, built in and loaded, and what statestores offer")
    .addHelpText("after", EXAMPLES)
    .option("--verbose", "with the options of each")
    .option("--json", "JSON for programs")
    .action(async (options: PluginsOptions) => exit(await plugins(terminal, flags, options)));
}

async function plugins(
  { out, err }: Terminal,
  flags: Flags,
  { json = false, verbose = false }: PluginsOptions,
): Promise<number> {
  const configured = await readConfiguration(flags);
  const rows = configured.catalogue.entries.map((entry) => describe(entry, configured));
  if (json) out.write(`${JSON.stringify({ plugins: rows })}\n`);
  else {
    const table = new Table(["", "FAMILY", "NAME", "STABILITY", "FROM", "OFFERS"]);
    const cells = rows.map((row) => [
      row.selected ? "*" : "",
      row.family,
      row.name,
      row.stability,
      printable(row.origin),
      row.offers?.join(" ") ?? "",
    ]);
    const [header = "", ...lines] = table.lines(cells);
    out.write(`${out.paint.bold(header)}\n`);
    for (const [index, line] of lines.entries()) {
      const row = rows[index];
      out.write(`${line}\n`);
      if (verbose && row !== undefined) out.write(detailLines(row));
    }
  }
  if (configured.ok) return 0;
  // What could be loaded is shown all the same; the rest is said.
  const concerning = configured.problems.filter(({ key }) => key === "plugins");
  if (concerning.length === 0) {
    err.write("nothing is marked: the configuration is refused, see troupe check-config\n");
    return 0;
  }
  err.write(formatProblems(concerning, err.paint.red("x") !== "x"));
  return exitCode(concerning);
}

interface Described {
  readonly family: string;
  readonly contract: string;
  readonly name: string;
  readonly stability: string;
  readonly origin: string;
  readonly doc: string;
  readonly selected: boolean;
  /** Only of statestores that can be made without being configured. */
  readonly offers?: readonly string[];
  readonly options: readonly {
    readonly key: string;
    readonly type: string;
    readonly default: string;
    readonly doc: string;
  }[];
}

function describe({ plugin, origin }: CatalogueEntry, configured: Configured): Described {
  const { contract, name, stability, doc } = plugin;
  const family = FAMILIES.find((each) => each.contract === contract)?.key ?? contract;
  const selected =
    configured.ok &&
    configured.settings.selections.some(
      (each) => each.contract === contract && each.plugin === name,
    );
  const offers = offersOf(plugin);
  const options = optionsOf(plugin).map(([option, descriptor]) => ({
    key: optionKey(option),
    type: descriptor.type,
    default: descriptor.secret === true ? "" : formatValue(descriptor.type, descriptor.default),
    doc: descriptor.doc,
  }));
  const about = { family, contract, name, stability, origin, doc: doc ?? "", selected, options };
  return offers === undefined ? about : { ...about, offers };
}

function detailLines({ doc, options }: Described): string {
  const lines = options.map(({ key, type, default: byDefault, doc: text }) => {
    const kind = byDefault === "" ? type : `${type}, ${byDefault}`;
    return `      ${key} (${kind}): ${printable(text)}\n`;
  });
  return `    ${printable(doc)}\n${lines.join("")}`;
}
