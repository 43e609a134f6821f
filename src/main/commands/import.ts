import { createReadStream } from "node:fs";
import type { Command } from "commander";
import type { Portability, Statestore } from "../../contract/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { countText, durationText, Progress } from "../cli/progress.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import { availableSealer } from "../server/available-keys.ts";
import { livingSessions, LoneStatestore, refuseLiving } from "../server/lone-statestore.ts";
import { firstActor } from "../store-file/first-actor.ts";
import { type ImportProgress, readProgress } from "../store-file/import-progress.ts";
import { type Imported, StoreImport } from "../store-file/import-store.ts";
import { refuseOtherKeys } from "../store-file/same-keys.ts";
import { StoreFileError } from "../store-file/store-file-error.ts";
import type { StoreFileHeader, StoreFileTrailer } from "../store-file/store-file-format.ts";
import { StoreFileReader } from "../store-file/store-file-reader.ts";
import { fileProblem } from "../store-file/file-problem.ts";
import { actorText } from "./actor-path.ts";
import { portabilityOf } from "./export.ts";
import { type Accepted, acceptedSettings, type Flags } from "./load-settings.ts";
import { settingsHelp } from "./settings-help.ts";
import { attempt } from "./store-problem.ts";

interface ImportOptions {
  readonly from: string;
  readonly merge?: boolean;
  readonly resume?: boolean;
  readonly store?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  troupe import --from state.troupe                     into the store of troupe.yaml and environment
  troupe import --from state.troupe --resume            go on after an import that ended early
  troupe import --from - --merge                        beside what is there; newer actors stay

The store must be of the file's cluster, because the seals name it, and no node may live on it. Bring
the state keys along: they are in no file.
`;
const CHUNK_BYTES = 1024 * 1024;

/** Adds `troupe import`. */
export function addImport(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("import")
    .description("read a whole statestore from a file or a pipe, without starting a node")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .requiredOption("--from <file>", "a file of troupe export, or - for standard input")
    .option("--merge", "into a store that has actors; of two, the one at the higher position stays")
    .option("--resume", "go on with a file whose import ended early")
    .option("--store <name>", "one of further statestores, instead of the main one")
    .option("--quiet", "no progress and no summary")
    .option("--json", "the summary as JSON")
    .action(async (options: ImportOptions) => {
      const accepted = await acceptedSettings(flags, terminal, options.json === true);
      exit(typeof accepted === "number" ? accepted : await importAll(terminal, accepted, options));
    });
}

function importAll(
  terminal: Terminal,
  accepted: Accepted,
  options: ImportOptions,
): Promise<number> {
  const { from } = options;
  return attempt(async () => {
    const chunks =
      from === "-" ? terminal.input() : createReadStream(from, { highWaterMark: CHUNK_BYTES });
    const reader = new StoreFileReader(chunks);
    // Read before the store is opened, which may make it.
    const header = await reader.header();
    refuseCluster(header, accepted.settings.cluster, from);
    const { err } = terminal;
    const lone = new LoneStatestore({ ...accepted, name: options.store, err, asItIs: false });
    await lone.start();
    try {
      return await new Import(terminal, accepted, options, { lone, reader, header }).run();
    } finally {
      await lone.stop();
    }
  }, from);
}

function refuseCluster({ cluster }: StoreFileHeader, own: string, from: string): void {
  if (cluster === own) return;
  const name = from === "-" ? "standard input" : printable(from);
  const message = `${name} is of cluster ${printable(cluster)}, and the statestore of cluster ${own}`;
  const hint = "its rows are sealed for their cluster and would not open in another";
  throw new CommandError(message, EXIT.config, hint);
}

interface Opened {
  readonly lone: LoneStatestore;
  readonly reader: StoreFileReader;
  readonly header: StoreFileHeader;
}

/** One run of the command over an open store and a file whose header is sound. */
class Import {
  readonly #terminal: Terminal;
  readonly #accepted: Accepted;
  readonly #options: ImportOptions;
  readonly #opened: Opened;
  readonly #startedMs = systemClock.now();

  constructor(terminal: Terminal, accepted: Accepted, options: ImportOptions, opened: Opened) {
    this.#terminal = terminal;
    this.#accepted = accepted;
    this.#options = options;
    this.#opened = opened;
  }

  async run(): Promise<number> {
    const { lone, reader, header } = this.#opened;
    const { store } = lone;
    const portability = portabilityOf(lone);
    if (store.durability !== "durable") {
      const message = `the statestore ${lone.plugin} keeps nothing beyond its process`;
      throw new CommandError(message, EXIT.config);
    }
    refuseLiving(await livingSessions(store), "the import was not begun");
    const progress = await this.#progressOf(store, header);
    if (progress?.done === true) {
      if (this.#talks) this.#terminal.out.write("the file is in the statestore already\n");
      return EXIT.ok;
    }
    const merge = this.#options.merge === true || progress?.merge === true;
    if (!merge && progress === undefined) await this.#refuseFilled(portability);
    const checks = availableSealer(this.#accepted.settings)?.checks ?? [];
    const bar = new Progress(this.#terminal.err, "importing", systemClock, this.#talks);
    const moving = new StoreImport({
      store,
      portability,
      reader,
      header,
      progress,
      merge,
      checkPage: async (rows) => {
        refuseLiving(await livingSessions(store), "the import was ended");
        await refuseOtherKeys(rows, store.meta, checks);
      },
      advanced: (advance) => bar.show(advance),
    });
    let imported: Imported;
    try {
      imported = await moving.run();
    } catch (error) {
      throw this.#withAdvice(error, moving.imported);
    } finally {
      bar.end();
    }
    return this.#summarise(imported, reader.trailer);
  }

  get #talks(): boolean {
    const { json = false, quiet = false } = this.#options;
    return !json && !quiet;
  }

  /** What an earlier try of this file left, if it may be gone on with. */
  async #progressOf(
    store: Statestore,
    header: StoreFileHeader,
  ): Promise<ImportProgress | undefined> {
    const last = await readProgress(store.meta);
    if (last === undefined || last.file !== header.id) return undefined;
    if (this.#options.resume === true) return last;
    if (last.done || this.#options.merge === true) return undefined;
    const message = `an import of this file ended early after ${last.pages} pages`;
    throw new CommandError(message, EXIT.cannotCreate, "--resume goes on with it");
  }

  async #refuseFilled(portability: Portability): Promise<void> {
    const actor = await firstActor(portability);
    if (actor === undefined) return;
    const message = `the statestore holds actors already, such as ${actorText(actor)}`;
    const hint = "--merge adds to them and replaces none that is newer";
    throw new CommandError(message, EXIT.cannotCreate, hint);
  }

  #withAdvice(error: unknown, { pages }: Imported): unknown {
    const problem = fileProblem(error, this.#options.from);
    if (!(error instanceof StoreFileError) || !(problem instanceof CommandError)) return problem;
    const come = `${countText(pages)} whole pages before it are in the statestore`;
    const hint = `${come}; repeat with an intact copy of this file and --resume`;
    return new CommandError(problem.message, problem.exit, hint, { ...problem.fields, pages });
  }

  #summarise(imported: Imported, trailer: StoreFileTrailer | undefined): number {
    const { live } = this.#opened.header;
    const { ownerless } = imported;
    const damaged = trailer?.damaged ?? 0;
    // Beside nodes it is the rule that rows came after their actors' page was read.
    const code = ownerless > 0 && !live ? EXIT.damaged : EXIT.ok;
    const { json = false } = this.#options;
    const { out, err } = this.#terminal;
    const ms = systemClock.now() - this.#startedMs;
    if (json) {
      const about = { file: this.#options.from, ...imported, damaged, live };
      out.write(`${JSON.stringify({ ...about, ms: Math.round(ms) })}\n`);
    }
    if (!this.#talks) return code;
    const { rows, skipped, pagesBefore } = imported;
    const kinds = [...new Set([...Object.keys(rows), ...Object.keys(skipped)])];
    const cells = kinds.map((kind) => [
      kind,
      countText(rows[kind] ?? 0),
      countText(skipped[kind] ?? 0),
    ]);
    for (const line of new Table(["KIND", "WRITTEN", "SKIPPED"]).lines(cells))
      out.write(`${line}\n`);
    const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
    out.write(`wrote ${countText(total)} rows in ${durationText(ms)}\n`);
    if (pagesBefore > 0) out.write(`${countText(pagesBefore)} pages were there from before\n`);
    if (live) err.write("the file was written beside nodes: its pages differ in time\n");
    if (ownerless > 0) err.write(`left out: ${countText(ownerless)} rows of no actor\n`);
    if (damaged > 0)
      err.write(`the file lacks ${countText(damaged)} rows that could not be read\n`);
    return code;
  }
}
