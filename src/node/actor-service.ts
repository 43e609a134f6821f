import type { ActorSummary, History, HistoryRow, Statestore } from "../contract/index.ts";
import type { ActorId } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import {
  type CallSignal,
  type Caller,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  NEVER,
  type Operation,
  type Reply,
  type StringMap,
} from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { ActivationTable } from "./activation-table.ts";
import { noSession } from "./call-refusals.ts";
import type { Hosts } from "./hosts.ts";
import type {
  ActorApi,
  HistoryPage,
  HistoryQuery,
  ListPage,
  ListQuery,
  PastState,
  StateView,
} from "./node-api.ts";
import type { Clock } from "./ports.ts";
import type { Router } from "./router.ts";
import { type Sealer, seedsOf } from "./sealer.ts";
import type { StoreRooms } from "./store-rooms.ts";
import { StateWatch } from "./state-watch.ts";
import { typePathOf } from "./type-rules.ts";

export interface ActorServiceOptions {
  readonly router: Router;
  readonly table: ActivationTable;
  readonly hosts: Hosts;
  readonly rooms: StoreRooms;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Whether another member may have the actor, so that its commits are not heard of here. */
  readonly elsewhere?: (actor: ActorId) => boolean;
}

/** How often an actor of another member is looked at for those who watch it. */
const LOOK_MS = 500;
/** Pages of rows that one listing looks through for those that the caller may see. */
const LIST_PAGES = 20;
/** Past states that are read at once, each of which may be as large as a state. */
const HISTORY_ROWS = 8;
/** How many times a page is read again because the actor got another seed meanwhile. */
const HISTORY_TRIES = 3;
/** How many times a message's bytes are looked through for a page without states. */
const UNSEEN_MESSAGES = 16;

/** What clients may ask of actors besides their actions, under the same policy as a call. */
export class ActorService implements ActorApi {
  readonly #options: ActorServiceOptions;

  constructor(options: ActorServiceOptions) {
    this.#options = options;
  }

  invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    return this.#options.router.invoke(invocation, signal);
  }

  async spawn(caller: Caller, actor: ActorId, tags: StringMap): Promise<boolean> {
    this.#authorize(caller, actor, "spawn");
    this.#known(actor);
    const room = this.#options.rooms.of(actor.system);
    const { store, session: sessionId, refusal } = room;
    if (sessionId === undefined) throw refusal ?? noSession("not_started");
    if (this.#options.table.activeEpoch(actor) !== undefined) return false;
    const check = room.expect(actor);
    const before = await store.read(actor);
    check(before);
    if (before !== undefined) return false;
    const [claim] = await store.claim({ sessionId, actors: [actor], maxRequestIds: 0 });
    if (claim?.kind !== "claimed" || claim.existed) return false;
    await this.#recordTags(store, sessionId, actor, claim.handle, claim.epoch, tags);
    await store.release(sessionId, [{ actor, epoch: claim.epoch }]);
    return true;
  }

  /** Rows that the caller may not list are left out, as if they were not there. */
  async list(caller: Caller, query: ListQuery): Promise<ListPage> {
    const { router, rooms } = this.#options;
    const { search } = rooms.of(query.system).store;
    if (search === undefined) throw unsupported("search");
    const rows: ActorSummary[] = [];
    let next = query.after;
    for (let page = 0; page < LIST_PAGES; page += 1) {
      const found: readonly ActorSummary[] = await search.list({
        ...query,
        ...(next !== undefined && { after: next }),
      });
      for (const row of found) {
        next = { type: row.actor.type, key: row.actor.key };
        const question = { kind: "invoke", caller, target: row.actor, action: "list" } as const;
        if (router.allows(question)) rows.push(row);
        if (rows.length === query.limit) return { rows, next };
      }
      if (found.length < query.limit) return { rows, next: undefined };
    }
    return { rows, next };
  }

  /** Reads few states at a time, and ends the page where they come to more than a message holds. */
  async history(caller: Caller, actor: ActorId, query: HistoryQuery): Promise<HistoryPage> {
    this.#authorize(caller, actor, "history");
    const { limits, rooms } = this.#options;
    const { store } = rooms.of(actor.system);
    if (store.history === undefined) throw unsupported("history");
    const { withStates, ...range } = query;
    const mostBytes = limits.messageBytes * (withStates ? 0.5 : UNSEEN_MESSAGES);
    const revisions: PastState[] = [];
    let bytes = 0;
    let next = query.toRevision;
    while (revisions.length < query.limit) {
      const limit = Math.min(HISTORY_ROWS, query.limit - revisions.length);
      const to = next !== undefined && { toRevision: next };
      const pasts = await this.#pasts(actor, { ...range, limit, ...to }, withStates);
      for (const past of pasts) {
        bytes += past.size;
        const { revision } = past.row;
        if (revisions.length > 0 && bytes > mostBytes) return { revisions, next: revision };
        revisions.push(past);
        next = revision - 1;
      }
      if (pasts.length < limit || next === 0) return { revisions, next: undefined };
    }
    return { revisions, next };
  }

  async restore(
    caller: Caller,
    actor: ActorId,
    revision: number,
    requestId: string,
  ): Promise<number> {
    const range = { fromRevision: revision, toRevision: revision, limit: 1, withStates: true };
    const [past] = (await this.history(caller, actor, range)).revisions;
    if (past === undefined) {
      throw new ServerError("actor.unknown", "the revision is not kept", "not_started", {
        reason: "REVISION_UNKNOWN",
      });
    }
    const { state, row } = past;
    const operation: Operation = { kind: "restore", state, tags: row.tags };
    // A request id belongs to one revision: another under the same id is another request.
    const payload = { type: "", data: new TextEncoder().encode(String(revision)) };
    const reply = await this.#operate(caller, actor, "restore", operation, requestId, payload);
    return reply.revision;
  }

  async deactivate(caller: Caller, actor: ActorId): Promise<boolean> {
    this.#authorize(caller, actor, "deactivate");
    return this.#options.table.deactivate(actor);
  }

  async watch(
    caller: Caller,
    actor: ActorId,
    onState: (view: StateView) => Promise<void> | undefined,
    onEnd: (error: Error | undefined) => void,
  ): Promise<() => void> {
    const watch = new StateWatch(onState, onEnd);
    const stop = this.#options.table.watch(actor, (view) => watch.offer(view));
    let stopLooks = (): void => undefined;
    try {
      const reply = await this.#operate(caller, actor, "get", { kind: "state" }, "");
      watch.begin(viewOf(reply));
      stopLooks = this.#look(actor, watch);
    } catch (error) {
      stop();
      throw error;
    }
    return () => {
      stop();
      stopLooks();
      watch.end();
    };
  }

  /** Offers what is committed elsewhere, until the returned function is called. */
  #look(actor: ActorId, watch: StateWatch): () => void {
    const { clock, elsewhere, rooms } = this.#options;
    if (elsewhere === undefined) return () => undefined;
    let stopped = false;
    let stopTimer = (): void => undefined;
    const look = async (): Promise<void> => {
      if (elsewhere(actor)) {
        // A store that is away now is asked again; what it says then is newer.
        const reply = await rooms
          .of(actor.system)
          .read(actor)
          .catch(() => undefined);
        if (reply !== undefined && !stopped) watch.offer(viewOf(reply));
      }
      if (!stopped) stopTimer = clock.setTimer(LOOK_MS, () => void look());
    };
    stopTimer = clock.setTimer(LOOK_MS, () => void look());
    return () => {
      stopped = true;
      stopTimer();
    };
  }

  /** Past states of one query, opened. One that is shredded meanwhile may have another seed by then. */
  async #pasts(
    actor: ActorId,
    range: Parameters<History["list"]>[1],
    withStates: boolean,
  ): Promise<readonly PastState[]> {
    const { history, seeds } = this.#options.rooms.of(actor.system).store;
    const find = async (): Promise<Uint8Array | undefined> => (await seeds?.find([actor]))?.[0];
    let wrapped = await find();
    for (let triesLeft = HISTORY_TRIES; ; triesLeft -= 1) {
      const rows = (await history?.list(actor, range)) ?? [];
      try {
        return this.#opened(actor, rows, wrapped, withStates);
      } catch (error) {
        const before = wrapped;
        wrapped = await find();
        if (triesLeft === 0 || isSame(before, wrapped)) throw error;
      }
    }
  }

  #opened(
    actor: ActorId,
    rows: readonly HistoryRow[],
    wrapped: Uint8Array | undefined,
    withStates: boolean,
  ): readonly PastState[] {
    const { sealer } = this.#options;
    const seed = wrapped && sealer.seeds?.open(actor, wrapped);
    return rows.map(({ state, ...row }) => {
      if (state === undefined) return { row, state, size: 0 };
      const data = sealer.open("history", actor, row.revision, state.type, state.data, seed);
      const shown = withStates ? { type: state.type, data } : undefined;
      return { row, state: shown, size: data.length };
    });
  }

  #operate(
    caller: Caller,
    actor: ActorId,
    action: string,
    operation: Operation,
    requestId: string,
    payload = EMPTY_PAYLOAD,
  ): Promise<Reply> {
    const { clock, limits, router } = this.#options;
    const invocation: Invocation = {
      actor,
      action,
      payload,
      requestId,
      metadata: EMPTY_MAP,
      caller,
      chain: [],
      deadlineMs: clock.now() + limits.defaultDeadlineMs,
      trace: undefined,
      operation,
      hops: 0,
    };
    return router.invoke(invocation, NEVER);
  }

  #authorize(caller: Caller, target: ActorId, action: string): void {
    const refused = this.#options.router.authorize({ kind: "invoke", caller, target, action });
    if (refused !== undefined) throw refused;
  }

  #known(actor: ActorId): void {
    const typePath = typePathOf(actor);
    if (this.#options.hosts.spec(typePath) !== undefined) return;
    throw new ServerError(
      "actor.unknown",
      `no actor type ${typePath} is registered`,
      "not_started",
      {
        reason: "TYPE_UNKNOWN",
      },
    );
  }

  /** A new key's tags are its first revision; a key without tags stays at revision 0. */
  async #recordTags(
    store: Statestore,
    sessionId: number,
    actor: ActorId,
    handle: number,
    epoch: number,
    tags: StringMap,
  ): Promise<void> {
    if (Object.keys(tags).length === 0) return;
    const spec = this.#options.hosts.spec(typePathOf(actor));
    if (spec === undefined) return;
    const { sealer } = this.#options;
    const made = seedsOf(store, sealer)?.make(actor);
    const data = sealer.seal("state", actor, 1, "", EMPTY_PAYLOAD.data, made?.seed);
    const [result] = await store.commit({
      sessionId,
      commits: [
        {
          actor,
          handle,
          epoch,
          baseRevision: 0,
          revision: 1,
          change: { kind: "set", state: { type: "", data }, tags },
          ...(made !== undefined && { seed: made.wrapped }),
          dedup: [],
          outbox: [],
          schedules: [],
          history: [],
          historyPolicy: spec.history,
        },
      ],
    });
    if (result === "committed") return;
    throw new ServerError("state.fenced", "the actor was activated meanwhile", "not_applied");
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function unsupported(what: string): ServerError {
  return new ServerError(
    "plugin.unsupported",
    `the statestore does not offer ${what}`,
    "not_started",
    {
      reason: "STORE_CAPABILITY",
    },
  );
}

function viewOf({ payload, revision, tags }: Reply): StateView {
  const state = payload === EMPTY_PAYLOAD ? undefined : payload;
  return { state, revision, tags: tags ?? EMPTY_MAP };
}
