import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { optionsOf } from "../../src/kernel/catalogue.ts";
import { builtins } from "../../src/main/builtins.ts";
import { STATESTORE_POWERS, offersOf } from "../../src/main/commands/statestore-offers.ts";
import { countRun, summaryLine } from "../support/test-count.ts";
import { tempDir } from "../support/temp-dir.ts";

/*
 * Writes the tables of docs/STATESTORES.md; its other text is written by hand.
 *
 *   bun test/conformance/statestores-page.ts          what each store offers, from the plug-ins
 *   bun test/conformance/statestores-page.ts --run    also runs each store's tests and notes the result
 *
 * The second needs the back ends: bun test/services/services.ts bun test/conformance/statestores-page.ts --run
 */

const ROOT = join(import.meta.dir, "..", "..");
export const PAGE = join(ROOT, "docs", "STATESTORES.md");

const stores = builtins.filter(({ contract }) => contract === "statestore@1");

/** What each power is called on the page. */
const TITLES: Readonly<Record<(typeof STATESTORE_POWERS)[number], string>> = {
  search: "search",
  history: "past states",
  outbox: "outbox",
  schedules: "schedules",
  resealing: "key rotation",
  seeds: "shredding",
  portability: "export, import",
  migrations: "`troupe migrate`",
};

/** The table of what each store offers, from the plug-ins themselves. */
export function offersTable(): string {
  const titles = STATESTORE_POWERS.map((power) => TITLES[power]);
  const head = ["Store", "Survives", "Stability", ...titles];
  const rows = stores.map((plugin) => {
    const offers = offersOf(plugin) ?? [];
    const survives = offers[0] === "durable" ? "power loss" : "nothing";
    const marks = STATESTORE_POWERS.map((power) => (offers.includes(power) ? "yes" : "no"));
    return [`\`${plugin.name}\``, survives, plugin.stability, ...marks];
  });
  return tableOf(head, rows);
}

/** The options of each store, from the plug-ins themselves. */
export function optionNames(): string {
  return tableOf(
    ["Store", "Options"],
    stores.map((plugin) => [
      `\`${plugin.name}\``,
      optionsOf(plugin)
        .map(([name]) => `\`${name}\``)
        .join(", "),
    ]),
  );
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n");
}

/** `text` with what stands between the marks of `name` replaced. */
function replaced(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/STATESTORES.md has no marks ${begin}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

/** The page with its generated tables as they must be; the results stay as they are. */
export function statestoresPage(): string {
  const page = readFileSync(PAGE, "utf8");
  return replaced(replaced(page, "offers", offersTable()), "options", optionNames());
}

/** Runs the tests of one store and says what came of them. */
async function resultOf(name: string): Promise<readonly string[]> {
  const folder = join("plugins", "statestores", name);
  using temporary = tempDir();
  const report = join(temporary.path, "report.xml");
  const files = [...new Glob("**/*.test.ts").scanSync({ cwd: join(ROOT, folder) })];
  const paths = files.map((file) => `./${folder}/${file}`).sort();
  const flags = ["--timeout=120000", "--reporter=junit", `--reporter-outfile=${report}`];
  const child = Bun.spawn([process.execPath, "test", ...flags, ...paths], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "ignore",
  });
  const said = await new Response(child.stdout).text();
  const code = await child.exited;
  const count = countRun(code, existsSync(report) ? readFileSync(report, "utf8") : undefined);
  // Each suite prints the server that it ran on.
  const servers = [...said.matchAll(/^ran on: (.+)$/gm)].map(([, server]) => server ?? "");
  return [`\`${name}\``, [...new Set(servers)].join(", "), summaryLine(count)];
}

async function main(): Promise<void> {
  let page = statestoresPage();
  if (process.argv.includes("--run")) {
    const rows: (readonly string[])[] = [];
    for (const { name } of stores) rows.push(await resultOf(name));
    page = replaced(page, "results", tableOf(["Store", "Ran on", "Tests"], rows));
  }
  writeFileSync(PAGE, page);
}

if (import.meta.main) await main();
