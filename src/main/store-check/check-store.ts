import type {
  ActorId,
  HistoryPolicy,
  Portability,
  PortableRow,
  Statestore,
} from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import { isServerError } from "../../domain/error.ts";
import type { Sealer } from "../../node/sealer.ts";
import type { Advance } from "../cli/progress.ts";
import { ActorLedger } from "./actor-ledger.ts";
import { FingerprintTable } from "./fingerprint-table.ts";
import { RowOpener } from "./row-opener.ts";
import type { ProblemKind, StoreProblem } from "./store-problem.ts";

/** What a check works with. */
export interface CheckOptions {
  readonly store: Statestore;
  readonly portability: Portability;
  /** `undefined` to open nothing. */
  readonly sealer: Sealer | undefined;
  readonly report: (problem: StoreProblem) => void;
  /** Called after each page; the walk goes on when it resolves. */
  readonly advanced: (advance: Advance) => Promise<void>;
}

/** What a whole walk came to. */
export interface CheckSummary {
  readonly rows: Readonly<Record<string, number>>;
  /**
   * Sealed values by the id of their key; "none" in the clear, "?" for what is no envelope, "others"
   * beyond a hundred.
   */
  readonly keys: Readonly<Record<string, number>>;
  readonly problems: Readonly<Record<string, number>>;
}

type Past = Extract<PortableRow, { readonly kind: "history" }>;

const PAGE_ROWS = 2_000;
const NO_ENVELOPE = "?";
const MOST_KEYS = 100;
const OTHER_KEYS = "others";

/**
 * Walks a store once and writes nothing. Beside nodes pages differ in time, so what looks wrong for
 * that reason alone is looked at again before it is reported.
 */
export class StoreCheck {
  readonly #options: CheckOptions;
  readonly #opener: RowOpener;
  readonly #ledger = new ActorLedger();
  readonly #names = new FingerprintTable();
  readonly #policies = new Map<string, HistoryPolicy>();
  readonly #rows: Record<string, number> = {};
  readonly #keys: Record<string, number> = {};
  readonly #problems: Record<string, number> = {};

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#opener = new RowOpener(options.store, options.sealer);
  }

  async run(): Promise<CheckSummary> {
    const { portability, advanced } = this.#options;
    const totalRows = await portability.count();
    let rows = 0;
    let bytes = 0;
    for await (const page of pagesOf(portability)) {
      const opened = await this.#opener.open(page);
      for (const [index, row] of page.entries()) {
        add(this.#rows, row.kind === "damaged" ? `unreadable ${row.table}` : row.kind);
        const seal = opened[index];
        if (seal !== undefined) this.#countKey(seal.keyId ?? NO_ENVELOPE);
        if (seal?.reason !== undefined) this.#report("sealed", row, seal.reason);
        await this.#look(row);
        bytes += sizeOf(row);
      }
      rows += page.length;
      await advanced({ rows, totalRows, bytes });
    }
    if (this.#ledger.someLag()) await this.#findLags();
    return { rows: this.#rows, keys: this.#keys, problems: this.#problems };
  }

  /** Keys are few; many are damage, which must not fill the memory. */
  #countKey(id: string): void {
    const known = id in this.#keys || Object.keys(this.#keys).length < MOST_KEYS;
    add(this.#keys, known ? id : OTHER_KEYS);
  }

  async #look(row: PortableRow): Promise<void> {
    switch (row.kind) {
      case "type":
        this.#policies.set(`${row.spec.system}/${row.spec.type}`, row.spec.history);
        return;
      case "meta":
        return;
      case "damaged":
        return this.#report("unreadable", row, row.reason);
      case "actor":
        if (!this.#ledger.add(row.actor, row.revision)) this.#report("duplicate", row);
        return;
      default:
        if (row.owner === undefined) return this.#report("orphan", row);
        return await this.#lookOwned(row, row.owner);
    }
  }

  async #lookOwned(row: PortableRow, owner: ActorId): Promise<void> {
    if (row.kind === "history") return await this.#lookPast(row, owner);
    const name = `${row.kind} ${actorPath(owner)} ${whereOf(row)}`;
    if (row.kind !== "seed" && !this.#names.add(name).isNew) this.#report("duplicate", row);
    const revision =
      row.kind === "dedup" ? row.record.revision : row.kind === "outbox" ? row.message.revision : 0;
    const known = this.#ledger.find(owner)?.revision;
    if (known === undefined || revision > known) await this.#lookAhead(row, owner, revision);
  }

  async #lookPast(row: Past, owner: ActorId): Promise<void> {
    const { revision } = row.entry;
    const before = this.#ledger.addPast(owner, revision);
    if (before === undefined || revision > before.revision) {
      await this.#lookAhead(row, owner, revision);
    }
    const past = before?.past ?? 0;
    if (past === 0 || revision === past + 1) return;
    if (revision === past) return this.#report("duplicate", row);
    // Past states come in order, so the ones between are in none of the pages that follow.
    if (revision < past || !this.#keepsPast(owner)) return;
    const { history } = this.#options.store;
    const pruned = history !== undefined && (await history.byRevision(owner, past)) === undefined;
    if (!pruned) this.#report("gap", row, "", revisions(past + 1, revision - 1));
  }

  /** Its actor may have come, or moved on, after its page was read. */
  async #lookAhead(row: PortableRow, owner: ActorId, revision: number): Promise<void> {
    const now = await this.#revisionNow(owner);
    if (now === undefined) this.#report("orphan", row);
    else if (revision > now) this.#report("ahead", row, `ACTOR_AT_${now}`);
  }

  async #revisionNow(actor: ActorId): Promise<number | undefined> {
    try {
      return (await this.#options.store.read(actor))?.revision;
    } catch (error) {
      // The actor's own row is reported; nothing can be said of what belongs to it.
      if (isServerError(error) && error.code === "state.corrupt") return Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  #keepsPast({ system, type }: ActorId): boolean {
    const policy = this.#policies.get(`${system}/${type}`);
    return policy !== undefined && policy.kind !== "none";
  }

  /** Names the actors whose newest past state is not their state: a second walk, over actors alone. */
  async #findLags(): Promise<void> {
    const { portability, store } = this.#options;
    for await (const page of pagesOf(portability)) {
      for (const row of page) {
        if (row.kind !== "actor" || !this.#keepsPast(row.actor)) continue;
        const past = this.#ledger.find(row.actor)?.past ?? 0;
        if (past === 0 || past >= row.revision) continue;
        const [newest] = (await store.history?.list(row.actor, { limit: 1 })) ?? [];
        const from = newest?.revision ?? past;
        if (from < row.revision) {
          this.#report("gap", row, "", revisions(from + 1, row.revision));
        }
      }
      // What belongs to actors comes behind the last of them.
      if (page.some((row) => "owner" in row)) return;
    }
  }

  #report(problem: ProblemKind, row: PortableRow, reason = "", where = whereOf(row)): void {
    add(this.#problems, problem);
    const actor = row.kind === "actor" ? row.actor : "owner" in row ? row.owner : undefined;
    const kind = row.kind === "damaged" ? row.table : row.kind;
    this.#options.report({ problem, kind, actor, where, reason });
  }
}

async function* pagesOf(portability: Portability): AsyncGenerator<readonly PortableRow[]> {
  for (let position: string | undefined = ""; position !== undefined; ) {
    const page: Awaited<ReturnType<Portability["read"]>> = await portability.read(
      position,
      PAGE_ROWS,
    );
    yield page.rows;
    position = page.next;
  }
}

function whereOf(row: PortableRow): string {
  switch (row.kind) {
    case "type":
      return `${row.spec.system}/${row.spec.type}`;
    case "meta":
      return row.name;
    case "actor":
      return `revision ${row.revision}`;
    case "seed":
      return "seed";
    case "history":
      return `revision ${row.entry.revision}`;
    case "dedup":
      return `request ${row.record.requestId}`;
    case "outbox":
      return `message ${row.message.id}`;
    case "schedule":
      return `schedule ${row.name}`;
    case "damaged":
      return row.place;
  }
}

function revisions(from: number, to: number): string {
  return from === to ? `revision ${from}` : `revisions ${from} to ${to}`;
}

function sizeOf(row: PortableRow): number {
  switch (row.kind) {
    case "actor":
      return row.state?.data.length ?? 0;
    case "history":
      return row.entry.state?.data.length ?? 0;
    case "dedup":
      return row.record.reply.length;
    case "outbox":
      return row.message.body.length;
    case "schedule":
      return row.body.length;
    default:
      return 0;
  }
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
