import type {
  ActorCommit,
  ActorId,
  ClaimResult,
  CommitResult,
  Statestore,
} from "../contract/index.ts";
import { INTERNAL_SYSTEM } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";

const TTL_MS = 60_000;
/** Actors that the test may use, so that nodes which start together find a free one. */
const PLACES = 16;

type Claimed = Extract<ClaimResult, { readonly kind: "claimed" }>;

/**
 * Proves at start, on a reserved actor, that the store refuses what it must: a fenced session, a
 * stale epoch and a stale revision, while it accepts the owner. Rejects with reason `fence_broken`
 * if it does not; the node must not serve on such a store. `bootId` tells apart the tests of nodes
 * that start at the same time.
 */
export async function selfTestStatestore(store: Statestore, bootId = "boot"): Promise<void> {
  const old = await openSession(store, `fence-test-old-${bootId}`);
  const heir = await openSession(store, `fence-test-heir-${bootId}`);
  try {
    const { actor, claimed: first } = await claimFree(store, old, heir);
    await attempt(store, old, turn(actor, first, first.revision, "first"), "committed");
    const revision = first.revision + 1;
    if (!(await store.sessions.fence(old, true))) throw broken("a session cannot be fenced");
    const second = await claim(store, heir, actor);
    if (second?.kind !== "claimed") throw broken("the actor of a fenced session is not given");
    if (second.epoch <= first.epoch) throw broken("a claim does not raise the epoch");
    if (second.revision !== revision) throw broken("a claim does not see the last revision");
    const stale = { ...second, epoch: first.epoch };
    await attempt(store, old, turn(actor, stale, revision, "zombie"), "fenced");
    await attempt(store, old, turn(actor, second, revision, "thief"), "fenced");
    await attempt(store, heir, turn(actor, stale, revision, "stale epoch"), "fenced");
    await attempt(store, heir, turn(actor, second, revision - 1, "stale revision"), "conflict");
    await attempt(store, heir, turn(actor, second, revision + 1, "future revision"), "conflict");
    const kept = await store.read(actor);
    const text = kept?.state === undefined ? "" : new TextDecoder().decode(kept.state.data);
    if (kept?.revision !== revision || kept.epoch !== second.epoch || text !== "first") {
      throw broken("a refused commit changed the row");
    }
    const removal = turn(actor, second, revision, "");
    await attempt(store, heir, { ...removal, change: { kind: "remove" } }, "committed");
    await store.release(heir, [{ actor, epoch: second.epoch }]);
  } finally {
    await store.sessions.close(old);
    await store.sessions.close(heir);
  }
}

async function openSession(store: Statestore, nodeName: string): Promise<number> {
  const row = await store.sessions.open({ nodeName, bootId: nodeName, address: "", ttlMs: TTL_MS });
  return row.id;
}

async function claim(
  store: Statestore,
  sessionId: number,
  actor: ActorId,
): Promise<ClaimResult | undefined> {
  return (await store.claim({ sessionId, actors: [actor], maxRequestIds: 0 }))[0];
}

async function claimFree(
  store: Statestore,
  sessionId: number,
  seed: number,
): Promise<{ readonly actor: ActorId; readonly claimed: Claimed }> {
  for (let place = 0; place < PLACES; place++) {
    const actor = {
      system: INTERNAL_SYSTEM,
      type: "fence-test",
      key: String((seed + place) % PLACES),
    };
    const claimed = await claim(store, sessionId, actor);
    if (claimed?.kind === "claimed") return { actor, claimed };
  }
  const message = "all actors of the fence test are in use";
  throw new ServerError("state.unavailable", message, "not_applied", { reason: "fence_test_busy" });
}

function turn(actor: ActorId, claimed: Claimed, baseRevision: number, text: string): ActorCommit {
  const { handle, epoch } = claimed;
  const state = { data: new TextEncoder().encode(text), type: "text/plain" };
  return {
    actor,
    handle,
    epoch,
    baseRevision,
    revision: baseRevision + 1,
    change: { kind: "set", state, tags: {} },
    dedup: [],
    outbox: [],
    schedules: [],
    history: [],
    historyPolicy: { kind: "none" },
  };
}

async function attempt(
  store: Statestore,
  sessionId: number,
  commit: ActorCommit,
  expected: CommitResult,
): Promise<void> {
  const [result] = await store.commit({ sessionId, commits: [commit] });
  if (result === expected) return;
  throw broken(`a commit that must be ${expected} was answered with ${String(result)}`);
}

function broken(what: string): ServerError {
  const message = `the statestore fails the fence test: ${what}`;
  const details = { reason: "fence_broken", exitCode: 78 };
  return new ServerError("state.corrupt", message, "not_applied", details);
}
