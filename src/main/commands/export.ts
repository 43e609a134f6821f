import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { Portability } from "../../contract/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { CommandError, usageError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { bytesText, countText, durationText, Progress } from "../cli/progress.ts";
import { printable, Table } from "../cli/table.ts";
import type { Terminal } from "../cli/terminal.ts";
import {
  livingSessions,
  LoneStatestore,
  newestSession,
  refuseLiving,
} from "../server/lone-statestore.ts";
import { build } from "../server/version.ts";
import { actorText } from "./actor-path.ts";
import {
  EXPORT_BEGINNING,
  exportStore,
  type ExportState,
  type LeftOut,
  sumOf,
} from "../store-file/export-store.ts";
import { PartFile, partPath, readPart, refuseTaken } from "../store-file/part-file.ts";
import type { StoreFileHeader, StoreFileTrailer } from "../store-file/store-file-format.ts";
import { StoreFileWriter } from "../store-file/store-file-writer.ts";
import { type Accepted, acceptedSettings, type Flags } from "./load-settings.ts";
import { settingsHelp } from "./settings-help.ts";
import { attempt } from "./store-problem.ts";

interface ExportOptions {
  readonly to: string;
  readonly resume?: boolean;
  readonly live?: boolean;
  readonly store?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

type Trailer = Omit<StoreFileTrailer, "sha256">;

const EXAMPLES = `
Examples:
  troupe export --to state.troupe                       the store of troupe.yaml and environment
  troupe export --to - | ssh other troupe import --from -
  troupe export --to state.troupe --resume              go on with state.troupe.part

Rows travel as they lie in the store, sealed; no key is needed, and nothing is opened. Sessions and
owners stay behind. With nodes on the store --live is needed, and then each page is consistent by
itself only.
`;
/** Rows that are left out are named up to this many. */
const NAMED = 20;

/** Adds `troupe export`. */
export function addExport(
  program: Command,
  terminal: Terminal,
  flags: Flags,
  exit: (code: number) => void,
): void {
  program
    .command("export")
    .description("write the whole statestore to a file or a pipe, without starting a node")
    .addHelpText("after", () => EXAMPLES + settingsHelp())
    .requiredOption("--to <file>", "a new file, or - for standard output")
    .option("--resume", "go on with the file of an export that ended early")
    .option("--live", "although nodes live on the store")
    .option("--store <name>", "one of further statestores, instead of the main one")
    .option("--quiet", "no progress and no summary")
    .option("--json", "the summary as JSON")
    .action(async (options: ExportOptions) => {
      const accepted = await acceptedSettings(flags, terminal, options.json === true);
      exit(typeof accepted === "number" ? accepted : await exportAll(terminal, accepted, options));
    });
}

async function exportAll(
  terminal: Terminal,
  accepted: Accepted,
  options: ExportOptions,
): Promise<number> {
  const { to, resume = false } = options;
  if (to === "-" && resume) throw usageError("standard output cannot be gone on with");
  if (to !== "-") await attempt(() => refuseTaken(to), to);
  const startedMs = systemClock.now();
  return await attempt(async () => {
    const { err } = terminal;
    const lone = new LoneStatestore({ ...accepted, name: options.store, err, asItIs: true });
    await lone.start();
    try {
      const work = new Export(terminal, lone, accepted.settings.cluster, options);
      const trailer = await work.run();
      work.summarise(trailer, systemClock.now() - startedMs);
      return trailer.damaged > 0 ? EXIT.damaged : EXIT.ok;
    } finally {
      await lone.stop();
    }
  }, to);
}

/** One run of the command over an open store. */
class Export {
  readonly #terminal: Terminal;
  readonly #lone: LoneStatestore;
  readonly #cluster: string;
  readonly #options: ExportOptions;
  readonly #portability: Portability;
  #bytes = 0;
  #named = 0;

  constructor(terminal: Terminal, lone: LoneStatestore, cluster: string, options: ExportOptions) {
    this.#terminal = terminal;
    this.#lone = lone;
    this.#cluster = cluster;
    this.#options = options;
    this.#portability = portabilityOf(lone);
    if (lone.store.durability === "durable") return;
    const message = `the statestore ${lone.plugin} keeps nothing beyond its process`;
    throw new CommandError(message, EXIT.config);
  }

  async run(): Promise<Trailer> {
    const { to, live = false, resume = false } = this.#options;
    if (!live) refuseLiving(await livingSessions(this.#lone.store), "the export was not begun");
    if (to === "-") return await this.#toOutput();
    return await (resume ? this.#goOn(to) : this.#begin(to));
  }

  async #toOutput(): Promise<Trailer> {
    const { out } = this.#terminal;
    const writer = new StoreFileWriter(async (bytes) => {
      out.write(bytes);
      await out.flushed();
      if (out.closed) throw new CommandError("nobody reads the export any more", EXIT.io);
    });
    const header = await this.#header();
    await writer.header(header);
    return await this.#write(writer, header, EXPORT_BEGINNING);
  }

  async #begin(to: string): Promise<Trailer> {
    const file = await PartFile.create(to).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") {
        throw new CommandError(`the folder of ${printable(to)} does not exist`, EXIT.cannotCreate);
      }
      if (error.code !== "EEXIST") throw error;
      const message = `${printable(partPath(to))} is there from an export that ended early`;
      const hint = "--resume goes on with it; delete it to begin anew";
      throw new CommandError(message, EXIT.cannotCreate, hint);
    });
    return await this.#toFile(file, async () => {
      const writer = new StoreFileWriter(file.sink);
      const header = await this.#header();
      await writer.header(header);
      return await this.#write(writer, header, EXPORT_BEGINNING);
    });
  }

  async #goOn(to: string): Promise<Trailer> {
    const part = await attempt(() => readPart(partPath(to)), partPath(to));
    const kept = part.header;
    if (kept !== undefined) await this.#refuseStale(kept, to);
    const file = await PartFile.goOn(to, part.offset);
    return await this.#toFile(file, async () => {
      const writer = new StoreFileWriter(file.sink, part.hash);
      const header = kept ?? (await this.#header());
      if (kept === undefined) await writer.header(header);
      return await this.#write(writer, header, part);
    });
  }

  /** Pages that were read at different times are one store only if nobody wrote in between. */
  async #refuseStale({ cluster, session, live }: StoreFileHeader, to: string): Promise<void> {
    if (cluster !== this.#cluster) {
      const message = `${printable(partPath(to))} is of cluster ${printable(cluster)}, not ${this.#cluster}`;
      throw new CommandError(message, EXIT.config);
    }
    if (live || (await newestSession(this.#lone.store)) === session) return;
    const message = "a node has been on the statestore since the export ended early";
    throw new CommandError(message, EXIT.retry, `delete ${partPath(to)} and begin anew`);
  }

  async #toFile(file: PartFile, work: () => Promise<Trailer>): Promise<Trailer> {
    let trailer: Trailer;
    try {
      trailer = await work();
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.finish();
    return trailer;
  }

  async #header(): Promise<StoreFileHeader> {
    return {
      id: randomBytes(16).toString("hex"),
      cluster: this.#cluster,
      source: await this.#lone.describe(),
      version: build.version,
      createdMs: systemClock.wallMs(),
      expectedRows: await this.#portability.count(),
      session: await newestSession(this.#lone.store),
      live: this.#options.live === true,
    };
  }

  async #write(
    writer: StoreFileWriter,
    header: StoreFileHeader,
    from: ExportState,
  ): Promise<Trailer> {
    const progress = new Progress(this.#terminal.err, "exporting", systemClock, this.#watched);
    try {
      const trailer = await exportStore(this.#portability, {
        writer,
        from,
        totalRows: header.expectedRows,
        advanced: (advance) => progress.show(advance),
        leftOut: (row) => this.#nameLeftOut(row, progress),
      });
      if (!header.live) await this.#refuseNewcomers(header.session);
      await writer.trailer(trailer);
      this.#bytes = writer.written;
      return trailer;
    } finally {
      progress.end();
    }
  }

  async #refuseNewcomers(session: number): Promise<void> {
    if ((await newestSession(this.#lone.store)) === session) return;
    const message = "a node came to the statestore during the export, so its pages differ in time";
    throw new CommandError(message, EXIT.retry, "stop it and begin anew, or allow it by --live");
  }

  get #watched(): boolean {
    const { json = false, quiet = false } = this.#options;
    return !json && !quiet;
  }

  #nameLeftOut(row: LeftOut, progress: Progress): void {
    this.#named += 1;
    if (this.#named > NAMED) return;
    progress.end();
    const { err } = this.#terminal;
    err.write(`left out: ${leftOutText(row)}\n`);
    if (this.#named === NAMED) err.write("left out: more, which are counted and not named\n");
  }

  summarise({ rows, damaged, orphans, pages }: Trailer, elapsedMs: number): void {
    const { to, json = false, quiet = false } = this.#options;
    if (quiet) return;
    const { out, err } = this.#terminal;
    const output = to === "-" ? err : out;
    if (json) {
      const about = { file: to, rows, total: sumOf(rows), damaged, orphans, pages };
      output.write(
        `${JSON.stringify({ ...about, bytes: this.#bytes, ms: Math.round(elapsedMs) })}\n`,
      );
      return;
    }
    output.write(countLines(rows));
    const total = sumOf(rows);
    const took = `${bytesText(this.#bytes)} in ${durationText(elapsedMs)}`;
    output.write(`wrote ${countText(total)} rows, ${took}\n`);
    if (damaged + orphans === 0) return;
    err.write(
      `left out: ${countText(damaged)} unreadable rows, ${countText(orphans)} rows of no actor; see: troupe store check\n`,
    );
  }
}

/** The power to move a store; throws `CommandError` if there is none. */
export function portabilityOf({ store, plugin }: LoneStatestore): Portability {
  if (store.portability !== undefined) return store.portability;
  throw new CommandError(`the statestore ${plugin} cannot be moved`, EXIT.config);
}

/** Rows by kind, as people read them. */
export function countLines(rows: Readonly<Record<string, number>>): string {
  const cells = Object.entries(rows).map(([kind, count]) => [kind, countText(count)]);
  return new Table(["KIND", "ROWS"])
    .lines(cells)
    .map((line) => `${line}\n`)
    .join("");
}

function leftOutText(row: LeftOut): string {
  if (row.kind === "damaged") {
    return printable(`${row.table}, ${row.place} cannot be read (${row.reason})`);
  }
  const owner = "owner" in row && row.owner !== undefined ? ` of ${actorText(row.owner)}` : "";
  return `a row of kind ${row.kind}${owner} belongs to no actor`;
}
