import type {
  CommitBatch,
  CommitResult,
  DedupRecord,
  HistoryPolicy,
  OutboxMessage,
  StoredState,
} from "../../../src/contract/index.ts";
import { encodeTags } from "../kit/row-codec.ts";
import { FrameReader, FrameWriter } from "./frame.ts";

/** State and tags as columns; `undefined` state is a removal. */
export interface WrittenState {
  readonly state: StoredState | undefined;
  readonly tags: string;
}

/** One commit as the store's thread reads it. Bytes are views into the frame. */
export interface FramedCommit {
  readonly handle: number;
  readonly epoch: number;
  readonly baseRevision: number;
  readonly revision: number;
  /** `undefined` keeps state and tags. */
  readonly written: WrittenState | undefined;
  readonly shred: boolean;
  readonly seed: Uint8Array | undefined;
  readonly dedup: readonly DedupRecord[];
  readonly outbox: readonly OutboxMessage[];
  readonly schedules: readonly FramedSchedule[];
  readonly history: readonly FramedHistory[];
  readonly historyPolicy: HistoryPolicy;
}

export interface FramedSchedule {
  readonly name: string;
  /** `undefined` cancels. */
  readonly set:
    | {
        readonly dueMs: number;
        readonly repeat: string;
        readonly action: string;
        readonly body: Uint8Array;
      }
    | undefined;
}

export interface FramedHistory extends WrittenState {
  readonly revision: number;
  readonly action: string;
}

/** A batch as the store's thread reads it. */
export interface FramedBatch {
  readonly callId: number;
  readonly sessionId: number;
  readonly commits: readonly FramedCommit[];
}

const NONE: HistoryPolicy = { kind: "none" };
const POLICIES = ["none", "all", "last", "duration"] as const;
const RESULTS: readonly CommitResult[] = ["committed", "fenced", "conflict"];
const WRITES = 1;
const QUEUES = 2;
const PAST = 4;
const SEED = 8;
const SHRED = 16;

/** Writes a batch over `spare`, or over a greater buffer if it does not fit. */
export function encodeBatch(callId: number, batch: CommitBatch, spare: ArrayBuffer): ArrayBuffer {
  const frame = new FrameWriter(spare);
  frame.number(callId);
  frame.number(batch.sessionId);
  frame.count(batch.commits.length);
  for (const commit of batch.commits) {
    const { change, dedup, outbox, schedules, history, historyPolicy } = commit;
    const writes = change.kind !== "keep" && commit.revision !== commit.baseRevision;
    const queues = dedup.length + outbox.length + schedules.length > 0;
    const past = history.length > 0 || historyPolicy.kind !== "none";
    const life = (commit.seed === undefined ? 0 : SEED) | (commit.shred === true ? SHRED : 0);
    frame.byte((writes ? WRITES : 0) | (queues ? QUEUES : 0) | (past ? PAST : 0) | life);
    frame.number(commit.handle);
    frame.number(commit.epoch);
    frame.number(commit.baseRevision);
    frame.number(commit.revision);
    if (writes) {
      if (change.kind === "set") writeState(frame, change.state, encodeTags(change.tags));
      else writeState(frame, undefined, "{}");
    }
    if (commit.seed !== undefined) frame.bytes(commit.seed);
    if (queues) writeQueues(frame, commit);
    if (past) writePast(frame, commit);
  }
  return frame.take();
}

function writeState(frame: FrameWriter, state: StoredState | undefined, tags: string): void {
  frame.name(tags);
  frame.byte(state === undefined ? 0 : 1);
  if (state === undefined) return;
  frame.name(state.type);
  frame.bytes(state.data);
}

function writeQueues(frame: FrameWriter, commit: CommitBatch["commits"][number]): void {
  frame.count(commit.dedup.length);
  for (const record of commit.dedup) {
    frame.text(record.requestId);
    frame.bytes(record.digest);
    frame.number(record.revision);
    frame.bytes(record.reply);
  }
  frame.count(commit.outbox.length);
  for (const message of commit.outbox) {
    frame.text(message.id);
    frame.number(message.revision);
    frame.count(message.index);
    frame.name(message.target.system);
    frame.name(message.target.type);
    frame.text(message.target.key);
    frame.name(message.action);
    frame.bytes(message.body);
    frame.number(Math.round(message.delayMs));
  }
  frame.count(commit.schedules.length);
  for (const change of commit.schedules) {
    frame.byte(change.kind === "set" ? 1 : 0);
    frame.text(change.name);
    if (change.kind === "cancel") continue;
    frame.number(Math.round(change.dueMs));
    frame.name(change.repeat);
    frame.name(change.action);
    frame.bytes(change.body);
  }
}

function writePast(frame: FrameWriter, commit: CommitBatch["commits"][number]): void {
  frame.count(commit.history.length);
  for (const entry of commit.history) {
    frame.number(entry.revision);
    frame.name(entry.action);
    writeState(frame, entry.state, encodeTags(entry.tags));
  }
  const policy = commit.historyPolicy;
  frame.byte(POLICIES.indexOf(policy.kind));
  if (policy.kind === "last") frame.number(policy.count);
  if (policy.kind === "duration") frame.number(Math.round(policy.ms));
}

/** The call that a batch belongs to, even if the rest of the frame cannot be read. */
export function callIdOf(frame: ArrayBuffer): number {
  return new FrameReader(frame).number();
}

/** Reads a batch. Throws for bytes that are no frame; nothing has been changed then. */
export function decodeBatch(buffer: ArrayBuffer): FramedBatch {
  const frame = new FrameReader(buffer);
  const callId = frame.number();
  const sessionId = frame.number();
  return { callId, sessionId, commits: list(frame, readCommit) };
}

function list<T>(frame: FrameReader, read: (frame: FrameReader) => T): readonly T[] {
  const items: T[] = [];
  for (let left = frame.count(); left > 0; left--) items.push(read(frame));
  return items;
}

const NOTHING: readonly never[] = [];

function readCommit(frame: FrameReader): FramedCommit {
  const flags = frame.byte();
  const handle = frame.number();
  const epoch = frame.number();
  const baseRevision = frame.number();
  const revision = frame.number();
  const written = (flags & WRITES) === 0 ? undefined : readState(frame);
  const shred = (flags & SHRED) !== 0;
  const seed = (flags & SEED) === 0 ? undefined : frame.bytes();
  const queues = (flags & QUEUES) !== 0;
  const dedup = queues ? list(frame, readDedup) : NOTHING;
  const outbox = queues ? list(frame, readMessage) : NOTHING;
  const schedules = queues ? list(frame, readSchedule) : NOTHING;
  const past = (flags & PAST) !== 0;
  const history = past ? list(frame, readHistory) : NOTHING;
  const historyPolicy = past ? readPolicy(frame) : NONE;
  return {
    handle,
    epoch,
    baseRevision,
    revision,
    written,
    shred,
    seed,
    dedup,
    outbox,
    schedules,
    history,
    historyPolicy,
  };
}

function readState(frame: FrameReader): WrittenState {
  const tags = frame.name();
  if (frame.byte() === 0) return { tags, state: undefined };
  const type = frame.name();
  return { tags, state: { type, data: frame.bytes() } };
}

function readDedup(frame: FrameReader): DedupRecord {
  const requestId = frame.text();
  const digest = frame.bytes();
  const revision = frame.number();
  return { requestId, digest, revision, reply: frame.bytes() };
}

function readMessage(frame: FrameReader): OutboxMessage {
  const id = frame.text();
  const revision = frame.number();
  const index = frame.count();
  const target = { system: frame.name(), type: frame.name(), key: frame.text() };
  const action = frame.name();
  const body = frame.bytes();
  return { id, revision, index, target, action, body, delayMs: frame.number() };
}

function readSchedule(frame: FrameReader): FramedSchedule {
  const sets = frame.byte() === 1;
  const name = frame.text();
  if (!sets) return { name, set: undefined };
  const dueMs = frame.number();
  const repeat = frame.name();
  const action = frame.name();
  return { name, set: { dueMs, repeat, action, body: frame.bytes() } };
}

function readHistory(frame: FrameReader): FramedHistory {
  const revision = frame.number();
  const action = frame.name();
  return { revision, action, ...readState(frame) };
}

function readPolicy(frame: FrameReader): HistoryPolicy {
  const kind = POLICIES[frame.byte()];
  switch (kind) {
    case "none":
    case "all":
      return { kind };
    case "last":
      return { kind, count: frame.number() };
    case "duration":
      return { kind, ms: frame.number() };
    default:
      throw new RangeError("the history policy is unknown");
  }
}

/** Writes the answers over the frame that asked, so that one buffer goes to and fro. */
export function encodeResults(
  callId: number,
  results: readonly CommitResult[],
  frame: ArrayBuffer,
): ArrayBuffer {
  const writer = new FrameWriter(frame);
  writer.number(callId);
  writer.count(results.length);
  for (const result of results) writer.byte(RESULTS.indexOf(result));
  return writer.take();
}

/** Reads the answers to a batch. */
export function decodeResults(frame: ArrayBuffer): {
  readonly callId: number;
  readonly results: readonly CommitResult[];
} {
  const reader = new FrameReader(frame);
  const callId = reader.number();
  const results = list(reader, (one) => {
    const result = RESULTS[one.byte()];
    if (result === undefined) throw new RangeError("the commit result is unknown");
    return result;
  });
  return { callId, results };
}
