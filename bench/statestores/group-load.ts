import type { ActorCommit, ClaimResult, Statestore } from "../../src/contract/index.ts";
import { LANES } from "./targets.ts";

type Claimed = Extract<ClaimResult, { readonly kind: "claimed" }>;

export const STATE_BYTES = 1_024;

/** What turns write: `record` a state with a recorded reply; `tags` also says nothing of its tags. */
export type TurnShape = "record" | "tags";

/** An actor that takes one turn after another. */
export interface BenchActor {
  readonly claimed: Claimed;
  readonly key: string;
  revision: number;
}

/** What a load came to. */
export interface LoadFigures {
  readonly turnsPerSecond: number;
  readonly cpuUsPerTurn: number;
  readonly batchRows: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const STATE = new Uint8Array(STATE_BYTES).fill(7);

/** The commit of an actor's next turn. */
export function nextTurn(actor: BenchActor, shape: TurnShape): ActorCommit {
  const baseRevision = actor.revision;
  const revision = baseRevision + 1;
  const requestId = `${actor.key}-${actor.claimed.epoch}-${revision}-0123456789`;
  const change = {
    kind: "set",
    state: { data: STATE, type: "application/json" },
    tags: {},
  } as const;
  return {
    actor: { system: "default", type: "counter", key: actor.key },
    handle: 0,
    epoch: actor.claimed.epoch,
    baseRevision,
    revision,
    change: shape === "record" ? { ...change, sameTags: true } : change,
    dedup: [{ requestId, digest: STATE.subarray(0, 32), revision, reply: STATE.subarray(0, 100) }],
    outbox: [],
    schedules: [],
    history: [],
    historyPolicy: { kind: "none" },
  };
}

/** Claims `count` actors for a session of their own. */
export async function claimActors(
  store: Statestore,
  count: number,
): Promise<{ readonly sessionId: number; readonly actors: readonly BenchActor[] }> {
  const session = { nodeName: "bench", bootId: "b", address: "", ttlMs: 3_600_000 };
  const { id: sessionId } = await store.sessions.open(session);
  const keys = Array.from({ length: count }, (_, index) => `actor-${index}`);
  const ids = keys.map((key) => ({ system: "default", type: "counter", key }));
  const claims = await store.claim({ sessionId, actors: ids, maxRequestIds: 0 });
  const actors = claims.map((claimed, index) => {
    if (claimed.kind !== "claimed") throw new Error("an actor of the bench is taken");
    return { claimed, key: keys[index] ?? "", revision: claimed.revision };
  });
  return { sessionId, actors };
}

interface Lane {
  queue: { readonly actor: BenchActor; done(): void }[];
  isBusy: boolean;
}

/**
 * Every actor takes turns one after another; an actor's turns go through one lane, and a lane sends
 * what has gathered as soon as its last batch has returned, as the node's committer does.
 */
export async function runLoad(
  store: Statestore,
  sessionId: number,
  actors: readonly BenchActor[],
  shape: TurnShape,
  runMs: number,
): Promise<LoadFigures> {
  const lanes: Lane[] = Array.from({ length: LANES }, () => ({ queue: [], isBusy: false }));
  const times: number[] = [];
  let batches = 0;
  let isOver = false;
  const flush = async (lane: Lane): Promise<void> => {
    lane.isBusy = true;
    while (lane.queue.length > 0) {
      const batch = lane.queue;
      lane.queue = [];
      batches += 1;
      const commits = batch.map(({ actor }) => nextTurn(actor, shape));
      const results = await store.commit({ sessionId, commits });
      if (results.some((result) => result !== "committed")) throw new Error("a turn was refused");
      for (const { actor, done } of batch) {
        actor.revision += 1;
        done();
      }
      await Promise.resolve();
    }
    lane.isBusy = false;
  };
  const begun = performance.now();
  const before = process.cpuUsage();
  const failures: unknown[] = [];
  const act = async (actor: BenchActor, index: number): Promise<void> => {
    const lane = lanes[index % LANES];
    while (!isOver && lane !== undefined) {
      const asked = performance.now();
      await new Promise<void>((resolve) => {
        lane.queue.push({ actor, done: resolve });
        if (!lane.isBusy) {
          lane.isBusy = true;
          setImmediate(() => void flush(lane).catch((error: unknown) => failures.push(error)));
        }
      });
      times.push(performance.now() - asked);
      isOver ||= performance.now() - begun > runMs || failures.length > 0;
    }
  };
  await Promise.all(actors.map(act));
  if (failures.length > 0) throw failures[0];
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return {
    turnsPerSecond: times.length / seconds,
    cpuUsPerTurn: (user + system) / times.length,
    batchRows: times.length / batches,
    p50Ms: times[Math.floor(times.length / 2)] ?? 0,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}
