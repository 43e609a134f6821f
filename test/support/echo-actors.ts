import type { ActorSummary } from "../../src/contract/index.ts";
import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import { ServerError } from "../../src/domain/error.ts";
import {
  type Caller,
  type CallSignal,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  JSON_TYPE,
  type Payload,
  type Reply,
  type StringMap,
} from "../../src/domain/invocation.ts";
import type {
  ActorApi,
  HistoryPage,
  HistoryQuery,
  ListPage,
  ListQuery,
  StateView,
} from "../../src/node/node-api.ts";

interface Cell {
  readonly actor: ActorId;
  value: number;
  revision: number;
  tags: StringMap;
}

const json = (value: unknown): Payload => ({
  type: JSON_TYPE,
  data: new TextEncoder().encode(JSON.stringify(value)),
});

/**
 * A node's face without a node: counters in memory, for tests of what stands before it. `add` adds
 * the JSON number it is given, `echo` answers its payload, `fail` fails as its payload names and `say`
 * with the text of it, `never`
 * waits until it is taken back, `large` answers as many bytes as asked for.
 */
export class EchoActors implements ActorApi {
  /** Everything that arrived, newest last. */
  readonly invocations: Invocation[] = [];
  /** How many running calls were taken back. */
  taken = 0;
  readonly #cells = new Map<string, Cell>();
  readonly #replies = new Map<string, Reply>();
  readonly #watchers = new Map<string, ((view: StateView) => unknown)[]>();

  async invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    this.invocations.push(invocation);
    const { actor, requestId } = invocation;
    if (actor.type === "missing")
      throw new ServerError("actor.unknown", "no such type", "not_started");
    const cell = this.#cell(actor);
    if (invocation.operation !== undefined) return this.#operate(cell, invocation);
    const known = requestId === "" ? undefined : this.#replies.get(requestId);
    if (known !== undefined) return { ...known, replayed: true };
    if (
      invocation.expectedRevision !== undefined &&
      invocation.expectedRevision !== cell.revision
    ) {
      const currentRevision = cell.revision;
      throw new ServerError("state.conflict", "the revision differs", "not_applied", {
        currentRevision,
      });
    }
    const reply = await this.#act(cell, invocation, signal);
    if (requestId !== "") this.#replies.set(requestId, reply);
    return reply;
  }

  spawn(_caller: Caller, actor: ActorId, tags: StringMap): Promise<boolean> {
    const fresh = !this.#cells.has(actorPath(actor));
    this.#cell(actor).tags = tags;
    return Promise.resolve(fresh);
  }

  list(_caller: Caller, query: ListQuery): Promise<ListPage> {
    const after = query.after && `${query.after.type}/${query.after.key}`;
    const found = [...this.#cells.values()]
      .filter(({ actor }) => actor.system === query.system)
      .filter(({ actor }) => query.type === undefined || actor.type === query.type)
      .filter(({ actor }) => actor.key.startsWith(query.keyPrefix ?? ""))
      .toSorted((a, b) => (actorPath(a.actor) < actorPath(b.actor) ? -1 : 1))
      .filter(({ actor }) => after === undefined || `${actor.type}/${actor.key}` > after);
    const rows: readonly ActorSummary[] = found
      .slice(0, query.limit)
      .map(({ actor, revision, tags }) => ({
        actor,
        revision,
        epoch: 1,
        tags,
        hasState: revision > 0,
        updatedMs: 1_000,
      }));
    const next = rows.length < query.limit ? undefined : rows.at(-1)?.actor;
    return Promise.resolve({ rows, next });
  }

  history(_caller: Caller, actor: ActorId, query: HistoryQuery): Promise<HistoryPage> {
    const top = Math.min(this.#cell(actor).revision, query.toRevision ?? Number.POSITIVE_INFINITY);
    const revisions = Array.from({ length: top }, (_, index) => top - index);
    const kept = revisions.filter((revision) => revision >= (query.fromRevision ?? 1));
    const next = kept[query.limit];
    return Promise.resolve({
      next,
      revisions: kept.slice(0, query.limit).map((revision) => ({
        row: { revision, tags: EMPTY_MAP, action: "add", committedMs: revision * 1_000 },
        size: json(revision).data.length,
        state: query.withStates ? json(revision) : undefined,
      })),
    });
  }

  restore(_caller: Caller, actor: ActorId, _revision: number, _requestId: string): Promise<number> {
    return Promise.resolve((this.#cell(actor).revision += 1));
  }

  deactivate(_caller: Caller, actor: ActorId): Promise<boolean> {
    return Promise.resolve(this.#cells.has(actorPath(actor)));
  }

  watch(
    _caller: Caller,
    actor: ActorId,
    onState: (view: StateView) => Promise<void> | undefined,
    _onEnd: (error: Error | undefined) => void,
  ): Promise<() => void> {
    const path = actorPath(actor);
    void onState(viewOf(this.#cell(actor)));
    this.#watchers.set(path, [...(this.#watchers.get(path) ?? []), onState]);
    return Promise.resolve(() => {
      this.#watchers.set(
        path,
        (this.#watchers.get(path) ?? []).filter((one) => one !== onState),
      );
    });
  }

  /** Watches of the actor that have not been ended. */
  watchers(actor: ActorId): number {
    return this.#watchers.get(actorPath(actor))?.length ?? 0;
  }

  async #act(
    cell: Cell,
    { action, payload, metadata }: Invocation,
    signal: CallSignal,
  ): Promise<Reply> {
    const value: unknown =
      payload.data.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(payload.data));
    switch (action) {
      case "add": {
        cell.value += Number(value ?? 1);
        cell.revision += 1;
        for (const watcher of this.#watchers.get(actorPath(cell.actor)) ?? [])
          watcher(viewOf(cell));
        return reply(json(cell.value), cell.revision);
      }
      case "echo":
        return { ...reply(payload, cell.revision), metadata };
      case "large":
        return reply(
          { type: JSON_TYPE, data: new Uint8Array(Number(value)).fill(0x30) },
          cell.revision,
        );
      case "none":
        return reply(EMPTY_PAYLOAD, cell.revision);
      case "fail":
        throw new ServerError("host.failed", "it failed", "not_applied", {
          hostCode: String(value),
        });
      case "say":
        throw new ServerError("host.failed", String(value), "not_applied");
      case "busy":
        throw new ServerError("mailbox.full", "the mailbox is full", "not_started", {
          retryAfterMs: 1_500,
        });
      case "bug":
        throw new TypeError("a secret that nobody must see");
      case "never":
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            this.taken += 1;
            reject(new ServerError("call.canceled", "taken back", "not_applied"));
          });
        });
      default:
        throw new ServerError("request.invalid", "there is no such action", "not_started", {
          reason: "ACTION_UNKNOWN",
        });
    }
  }

  #operate(cell: Cell, { operation }: Invocation): Reply {
    if (operation?.kind === "delete") {
      cell.value = 0;
      cell.revision += 1;
      return reply(EMPTY_PAYLOAD, cell.revision);
    }
    const state = cell.revision === 0 ? EMPTY_PAYLOAD : json(cell.value);
    return { ...reply(state, cell.revision), tags: cell.tags };
  }

  #cell(actor: ActorId): Cell {
    const path = actorPath(actor);
    const known = this.#cells.get(path);
    if (known !== undefined) return known;
    const fresh: Cell = { actor, value: 0, revision: 0, tags: EMPTY_MAP };
    this.#cells.set(path, fresh);
    return fresh;
  }
}

function reply(payload: Payload, revision: number): Reply {
  return { payload, revision, durable: true, replayed: false, metadata: EMPTY_MAP };
}

const viewOf = ({ value, revision, tags }: Cell): StateView => ({
  state: revision === 0 ? undefined : json(value),
  revision,
  tags,
});
