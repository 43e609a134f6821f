import { expect } from "bun:test";
import type {
  ActorCommit,
  ActorId,
  ClaimResult,
  CommitResult,
  DedupRecord,
  OutboxMessage,
  ScheduleChange,
  SessionRow,
  Statestore,
  StoredState,
  StringMap,
} from "../../../src/contract/index.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** How the suites open one kind of statestore. */
export interface StatestoreSubject {
  readonly name: string;
  /** Opens and starts a store over the data that `dir` names; different folders share nothing. */
  open(dir: string): Promise<Statestore>;
  /** Makes a store over the same data without starting it, for stores with a schema to migrate. */
  make?(dir: string): Statestore;
  /** Opens the data again after a stop; `open` if absent. */
  reopen?(dir: string): Promise<Statestore>;
  /** Committed state survives a stop; else it must be gone afterwards. */
  readonly durable: boolean;
  /** Two stores may be open over one folder at the same time and see the same data. */
  readonly shared?: boolean;
}

/** A claimed actor, ready to be committed to. */
export interface Claimed extends Extract<ClaimResult, { readonly kind: "claimed" }> {
  readonly actor: ActorId;
  readonly sessionId: number;
}

const LONG_LEASE_MS = 600_000;

/** Runs `body` over a fresh store that is stopped afterwards, whatever happens. */
export async function withStore(
  subject: StatestoreSubject,
  body: (store: Statestore, dir: string) => Promise<void>,
): Promise<void> {
  using folder = tempDir();
  const store = await subject.open(folder.path);
  try {
    await body(store, folder.path);
  } finally {
    await store.stop?.(AbortSignal.timeout(10_000));
  }
}

export function actorId(key: string, type = "counter", system = "default"): ActorId {
  return { system, type, key };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function json(text: string): StoredState {
  return { data: bytes(text), type: "application/json" };
}

export function openSession(
  store: Statestore,
  nodeName = "node-1",
  ttlMs = LONG_LEASE_MS,
): Promise<SessionRow> {
  const bootId = `${nodeName}-boot`;
  return store.sessions.open({ nodeName, bootId, address: `${nodeName}:7702`, ttlMs });
}

/** Claims one actor and fails the test if it is not given. */
export async function claim(
  store: Statestore,
  sessionId: number,
  actor: ActorId,
  maxRequestIds = 100,
): Promise<Claimed> {
  const [result] = await store.claim({ sessionId, actors: [actor], maxRequestIds });
  if (result?.kind !== "claimed") throw new Error(`not claimed: ${JSON.stringify(result)}`);
  return { ...result, actor, sessionId };
}

/** The commit of one turn that moves `claimed` from `baseRevision` to the next revision. */
export function turn(
  claimed: Claimed,
  baseRevision: number,
  changes: Partial<Omit<ActorCommit, "actor" | "handle">> = {},
): ActorCommit {
  return {
    actor: claimed.actor,
    handle: claimed.handle,
    epoch: claimed.epoch,
    baseRevision,
    revision: baseRevision + 1,
    change: { kind: "keep" },
    dedup: [],
    outbox: [],
    schedules: [],
    history: [],
    historyPolicy: { kind: "none" },
    ...changes,
  };
}

/** The change that sets a JSON state. */
export function set(text: string, tags: StringMap = {}): ActorCommit["change"] {
  return { kind: "set", state: json(text), tags };
}

export async function commit(
  store: Statestore,
  sessionId: number,
  ...commits: readonly ActorCommit[]
): Promise<readonly CommitResult[]> {
  return await store.commit({ sessionId, commits });
}

/** Commits one state and expects it to be taken. */
export async function save(
  store: Statestore,
  claimed: Claimed,
  baseRevision: number,
  text: string,
  tags: StringMap = {},
): Promise<void> {
  const results = await commit(
    store,
    claimed.sessionId,
    turn(claimed, baseRevision, { change: set(text, tags) }),
  );
  expect(results).toEqual(["committed"]);
}

export function dedupOf(requestId: string, revision: number, reply = "reply"): DedupRecord {
  return { requestId, digest: bytes(`digest of ${requestId}`), revision, reply: bytes(reply) };
}

export function messageTo(
  target: ActorId,
  revision: number,
  index: number,
  delayMs = 0,
): OutboxMessage {
  const id = `1.${revision}.${index}`;
  return { id, revision, index, target, action: "receive", body: bytes(`body ${id}`), delayMs };
}

export function scheduleOf(name: string, dueMs: number): ScheduleChange {
  return { kind: "set", name, dueMs, repeat: "", action: "tick", body: bytes(`body ${name}`) };
}

/**
 * What a promise rejects with; fails if it resolves. Not `expect().rejects`, which holds the event
 * loop that the store's own thread answers through.
 */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in settled) return settled.error;
  throw new Error(`resolved instead of rejecting: ${JSON.stringify(settled.value)}`);
}
