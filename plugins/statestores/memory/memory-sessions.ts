import type {
  PluginClock,
  SessionRequest,
  SessionRow,
  Sessions,
} from "../../../src/contract/index.ts";

interface KeptSession extends SessionRequest {
  readonly id: number;
  state: SessionRow["state"];
  expiresMs: number;
}

/** How many sessions that are no longer up are remembered. */
const ENDED_SESSIONS_KEPT = 1_000;

/** Lease rows by the monotonic clock of the process, which is this store's clock. */
export class MemorySessions implements Sessions {
  readonly #clock: PluginClock;
  readonly #rows = new Map<number, KeptSession>();
  #lastId = 0;

  constructor(clock: PluginClock) {
    this.#clock = clock;
  }

  async open(request: SessionRequest): Promise<SessionRow> {
    for (const row of this.#rows.values()) {
      if (row.nodeName === request.nodeName && row.state === "up") row.state = "fenced";
    }
    this.#forgetEnded();
    this.#lastId += 1;
    const expiresMs = this.#clock.now() + request.ttlMs;
    const row: KeptSession = { ...request, id: this.#lastId, state: "up", expiresMs };
    this.#rows.set(row.id, row);
    return this.#view(row);
  }

  async renew(sessionId: number, ttlMs: number): Promise<"renewed" | "fenced"> {
    const row = this.#rows.get(sessionId);
    if (row?.state !== "up") return "fenced";
    row.expiresMs = this.#clock.now() + ttlMs;
    return "renewed";
  }

  async close(sessionId: number): Promise<void> {
    const row = this.#rows.get(sessionId);
    if (row?.state === "up") row.state = "closed";
  }

  async fence(sessionId: number, evict: boolean): Promise<boolean> {
    const row = this.#rows.get(sessionId);
    if (row?.state === "up" && (evict || this.#expired(row))) row.state = "fenced";
    return row?.state !== "up";
  }

  async list(): Promise<readonly SessionRow[]> {
    return [...this.#rows.values()].map((row) => this.#view(row));
  }

  /** True while the session may commit: nobody has fenced or closed it. */
  isUp(sessionId: number): boolean {
    return this.#rows.get(sessionId)?.state === "up";
  }

  /** True while the session may claim: it is up and its lease runs. */
  isAlive(sessionId: number): boolean {
    const row = this.#rows.get(sessionId);
    return row?.state === "up" && !this.#expired(row);
  }

  /** The living session, or `undefined` after fencing one whose lease has ended. */
  livingOwner(sessionId: number): SessionRow | undefined {
    const row = this.#rows.get(sessionId);
    if (row?.state !== "up") return undefined;
    if (!this.#expired(row)) return this.#view(row);
    row.state = "fenced";
    return undefined;
  }

  #expired(row: KeptSession): boolean {
    return row.expiresMs <= this.#clock.now();
  }

  #forgetEnded(): void {
    let surplus = this.#rows.size - ENDED_SESSIONS_KEPT;
    for (const row of this.#rows.values()) {
      if (surplus <= 0) return;
      if (row.state === "up") continue;
      this.#rows.delete(row.id);
      surplus -= 1;
    }
  }

  #view(row: KeptSession): SessionRow {
    const { id, nodeName, bootId, address, state } = row;
    return { id, nodeName, bootId, address, state, remainingMs: row.expiresMs - this.#clock.now() };
  }
}
