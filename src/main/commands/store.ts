import type { Command } from "commander";
import type { Sealer } from "../../node/sealer.ts";
import { systemClock } from "../../platform/clock.ts";
import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { type Advance, countText, Progress } from "../cli/progress.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { availableSealer } from "../server/available-keys.ts";
import { livingSessions, LoneStatestore } from "../server/lone-statestore.ts";
import { type CheckSummary, StoreCheck } from "../store-check/check-store.ts";
import type { StoreProblem } from "../store-check/store-problem.ts";
import { actorText } from "./actor-path.ts";
import { portabilityOf } from "./export.ts";
import { type Accepted, acceptedSettings, type Flags } from "./load-settings.ts";
import { settingsHelp } from "./settings-help.ts";
import { attempt } from "./store-problem.ts";

interface CheckOptions {
  /** False with `--no-keys`. */
  readonly keys: boolean;
  readonly store?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  troupe store check                         every row, and whether it opens with the state keys
  troupe store check --no-keys               without the keys: what can be seen from outside
  troupe store check --json | grep '"gap"'   one object per problem, the summary last

Nothing is written. The embedded store must not be open elsewhere (exit 75); stores that several
processes may hold are checked beside their nodes. Exit 0 if all is well, 65 if not.
`;
/** Problems that people are shown; programs get all. */
const SHOWN = 200;

/** Adds `troupe store check`. */
export function addStore(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("store")
    .description("look into the statestore")
    .command("check")
    .description("walk the whole statestore and tell what is damaged, missing or foreign")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .option("--no-keys", "open nothing; keys are counted all the same")
    .option("--store <name>", "one of further statestores, instead of the main one")
    .option("--quiet", "no progress and no summary")
    .option("--json", "one line of JSON per problem, and the summary")
    .action(async (options: CheckOptions) => {
      const accepted = await acceptedSettings(flags, terminal, options.json === true);
      exit(typeof accepted === "number" ? accepted : await check(terminal, accepted, options));
    });
}

function check(terminal: Terminal, accepted: Accepted, options: CheckOptions): Promise<number> {
  return attempt(async () => {
    const sealer = options.keys ? sealerOf(accepted) : undefined;
    const { err } = terminal;
    const lone = new LoneStatestore({ ...accepted, name: options.store, err, asItIs: true });
    await lone.start();
    try {
      const names = (await livingSessions(lone.store)).map(({ nodeName }) => nodeName);
      if (names.length > 0) err.write(`checked beside ${names.join(", ")}\n`);
      return await checkOpen(terminal, lone, sealer, options);
    } finally {
      await lone.stop();
    }
  });
}

function sealerOf({ settings }: Accepted): Sealer {
  const sealer = availableSealer(settings);
  if (sealer !== undefined) return sealer;
  const message = "there is no state key yet, so nothing can be opened";
  throw new CommandError(message, EXIT.config, "--no-keys checks the rest");
}

async function checkOpen(
  { out, err }: Terminal,
  lone: LoneStatestore,
  sealer: Sealer | undefined,
  { json = false, quiet = false }: CheckOptions,
): Promise<number> {
  const progress = new Progress(err, "checking", systemClock, !json && !quiet);
  let shown = 0;
  const report = (problem: StoreProblem): void => {
    shown += 1;
    if (json) return out.write(`${JSON.stringify(problem)}\n`);
    if (shown > SHOWN) return;
    progress.end();
    out.write(`${problemText(problem)}\n`);
    if (shown === SHOWN) out.write("more are counted and not shown; --json lists all\n");
  };
  const portability = portabilityOf(lone);
  let summary: CheckSummary;
  try {
    const work = { store: lone.store, portability, sealer, report };
    const advanced = async (advance: Advance): Promise<void> => {
      progress.show(advance);
      await out.flushed();
    };
    summary = await new StoreCheck({ ...work, advanced }).run();
  } finally {
    progress.end();
  }
  if (json) out.write(`${JSON.stringify({ summary })}\n`);
  else if (!quiet) out.write(summaryText(summary));
  return shown > 0 ? EXIT.damaged : EXIT.ok;
}

const WORDS: Readonly<Record<StoreProblem["problem"], string>> = {
  unreadable: "cannot be read",
  orphan: "belongs to no actor",
  sealed: "does not open",
  gap: "is missing in the history",
  ahead: "is of a revision that its actor has not reached",
  duplicate: "is there twice",
};

function problemText({ problem, kind, actor, where, reason }: StoreProblem): string {
  const whose = actor === undefined ? kind : `${kind} of ${actorText(actor)}`;
  const why = reason === "" ? "" : ` (${reason})`;
  return `${problem}: ${printable(`${whose}, ${where}`)} ${WORDS[problem]}${why}`;
}

function summaryText({ rows, keys, problems }: CheckSummary): string {
  const part = (header: string, counts: Readonly<Record<string, number>>): string[] => {
    const cells = Object.entries(counts).map(([name, count]) => [
      printable(name),
      countText(count),
    ]);
    return new Table([header, "ROWS"]).lines(cells);
  };
  const found = Object.values(problems).reduce((sum, count) => sum + count, 0);
  const word = found === 1 ? "problem" : "problems";
  const verdict = found === 0 ? "nothing is wrong" : `${countText(found)} ${word}`;
  const lines = [
    ...part("KIND", rows),
    ...part("KEY", keys),
    ...part("PROBLEM", problems),
    verdict,
  ];
  return `${lines.join("\n")}\n`;
}
