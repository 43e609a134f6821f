import type { Command } from "commander";
import { describeSettings, formatDescription, formatWarnings } from "../../kernel/config-report.ts";
import { sourceText } from "../../kernel/config-problem.ts";
import { EXIT } from "../cli/exit-code.ts";
import type { Terminal } from "../cli/terminal.ts";
import { type Flags, readConfiguration, sayProblems } from "./load-settings.ts";

interface CheckOptions {
  readonly json?: boolean;
  readonly changed?: boolean;
}

const EXAMPLES = `
Examples:
  troupe check-config                        file, environment and flags as \`serve\` would take them
  troupe check-config --config /etc/troupe.yaml --changed

Every value is shown with its source, secrets masked. All problems are reported at once, with exit
code 78 (77 for permissions, 64 for unknown flags). Certificates and keys are looked into; nothing
is started.
`;

/** Adds `troupe check-config`. */
export function addCheckConfig(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("check-config")
    .description("check the configuration and show each value with its source")
    .addHelpText("after", EXAMPLES)
    .option("--changed", "only values that are not the default")
    .option("--json", "JSON for programs")
    .action(async (options: CheckOptions) => exit(await checkConfig(terminal, flags, options)));
}

async function checkConfig(
  terminal: Terminal,
  flags: Flags,
  { json = false, changed = false }: CheckOptions,
): Promise<number> {
  const configured = await readConfiguration(flags);
  const { out, err } = terminal;
  if (!configured.ok) return sayProblems(configured.problems, terminal, json);
  const { effective, warnings } = configured;
  const values = describeSettings(
    changed ? effective.filter(({ source }) => source.kind !== "default") : effective,
  );
  if (json) {
    const said = warnings.map(({ key, source, message }) => ({
      key,
      source: sourceText(source),
      message,
    }));
    out.write(`${JSON.stringify({ ok: true, values, warnings: said })}\n`);
    return EXIT.ok;
  }
  out.write(formatDescription(values));
  err.write(formatWarnings(warnings));
  if (err.interactive) err.write(`${err.paint.bold("the configuration is valid")}\n`);
  return EXIT.ok;
}
