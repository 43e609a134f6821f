import type {
  ActorCommit,
  HistoryEntry,
  HistoryPolicy,
  ScheduleChange,
  StoredState,
} from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { encodeTags } from "../row-codec.ts";
import type { EffectList, EncodedBatch, EncodedEffects, SqlTuple } from "./commit-batch.ts";
import { tagDigest, utf8 } from "./row-values.ts";
import type { SqlValue } from "./sql-client.ts";

/** A commit and the identity of its actor. */
export interface IdentifiedCommit {
  readonly identity: Uint8Array;
  readonly commit: ActorCommit;
}

type Effects = { readonly [List in EffectList]: SqlTuple[] };

/** The commits with their identities, in the order of these. */
export function identified(commits: readonly ActorCommit[]): readonly IdentifiedCommit[] {
  return commits
    .map((commit) => ({ identity: actorIdentity(commit.actor), commit }))
    .sort((a, b) => Buffer.compare(a.identity, b.identity));
}

/** The columns of a batch. Bytes are not copied: the caller keeps them until the commit returned. */
export function encodeBatch(sessionId: number, commits: readonly IdentifiedCommit[]): EncodedBatch {
  const actors: SqlTuple[] = [];
  const dedup: SqlTuple[] = [];
  let effects: Effects | undefined;
  for (const { identity, commit } of commits) {
    actors.push(actorRow(identity, commit));
    for (const { requestId, digest, revision, reply } of commit.dedup) {
      dedup.push([identity, utf8(requestId), revision, digest, reply]);
    }
    if (!hasEffects(commit)) continue;
    effects ??= noEffects();
    addEffects(effects, identity, commit);
  }
  return { sessionId, actors, dedup, effects: effects satisfies EncodedEffects | undefined };
}

function actorRow(identity: Uint8Array, commit: ActorCommit): SqlTuple {
  const { epoch, baseRevision, revision, change } = commit;
  const position = [identity, epoch, baseRevision, revision] as const;
  if (!writesState(commit)) return [...position, 0, null, null, null];
  if (change.kind !== "set") return [...position, 1, "{}", null, null];
  return [...position, 1, encodeTags(change.tags), ...stateColumns(change.state)];
}

function stateColumns(state: StoredState | undefined): readonly [SqlValue, SqlValue] {
  return state === undefined ? [null, null] : [utf8(state.type), state.data];
}

/** A turn that leaves the revision leaves state and tags, whatever it says. */
function writesState({ change, revision, baseRevision }: ActorCommit): boolean {
  return change.kind !== "keep" && revision !== baseRevision;
}

function changesTags(commit: ActorCommit): boolean {
  return writesState(commit) && !(commit.change.kind === "set" && commit.change.sameTags === true);
}

function hasEffects(commit: ActorCommit): boolean {
  const { outbox, schedules, history, seed } = commit;
  return (
    outbox.length > 0 ||
    schedules.length > 0 ||
    history.length > 0 ||
    seed !== undefined ||
    changesTags(commit) ||
    commit.shred === true
  );
}

/** Lists of a batch that writes nothing besides its compare-and-sets and replies. */
export function noEffects(): Effects {
  return {
    shredded: [],
    untagged: [],
    tags: [],
    outbox: [],
    unscheduled: [],
    schedules: [],
    forgotten: [],
    history: [],
    unseeded: [],
    seeds: [],
  };
}

function addEffects(effects: Effects, identity: Uint8Array, commit: ActorCommit): void {
  if (changesTags(commit)) addTags(effects, identity, commit);
  for (const { target, ...message } of commit.outbox) {
    effects.outbox.push([
      identity,
      actorIdentity(target),
      target.system,
      target.type,
      utf8(target.key),
      utf8(message.id),
      message.revision,
      message.index,
      message.action,
      Math.round(message.delayMs),
      message.body,
    ]);
  }
  addSchedules(effects, identity, commit.schedules);
  const shred = commit.shred === true;
  const kept = keptOf(commit.history, commit.historyPolicy);
  for (const { revision, action, tags, state } of kept.entries) {
    effects.history.push([identity, revision, action, encodeTags(tags), ...stateColumns(state)]);
  }
  if (shred) effects.forgotten.push([identity, 0]);
  else if (kept.older !== undefined) effects.forgotten.push([identity, kept.older]);
  if (shred) effects.shredded.push([identity]);
  if (commit.seed !== undefined) effects.seeds.push([identity, commit.seed]);
  else if (shred) effects.unseeded.push([identity]);
}

function addTags(effects: Effects, identity: Uint8Array, { actor, change }: ActorCommit): void {
  effects.untagged.push([identity]);
  if (change.kind !== "set") return;
  const { system, type, key } = actor;
  for (const [name, value] of Object.entries(change.tags)) {
    effects.tags.push([identity, tagDigest(system, name, value), type, utf8(key)]);
  }
}

/** The last change of a name is the one that stays. */
function addSchedules(
  effects: Effects,
  identity: Uint8Array,
  changes: readonly ScheduleChange[],
): void {
  const lastByName = new Map(changes.map((change) => [change.name, change]));
  for (const change of lastByName.values()) {
    const name = utf8(change.name);
    effects.unscheduled.push([identity, name]);
    if (change.kind === "cancel") continue;
    const { dueMs, action, repeat, body } = change;
    effects.schedules.push([identity, name, Math.round(dueMs), action, utf8(repeat), body]);
  }
}

/** What stays of new entries, and how many older ones; `undefined` leaves the older ones alone. */
function keptOf(
  entries: readonly HistoryEntry[],
  policy: HistoryPolicy,
): { readonly entries: readonly HistoryEntry[]; readonly older: number | undefined } {
  if (entries.length === 0) return { entries, older: undefined };
  const byRevision = new Map(entries.map((entry) => [entry.revision, entry]));
  const ordered = [...byRevision.values()].sort((a, b) => a.revision - b.revision);
  if (policy.kind === "all" || policy.kind === "duration") {
    return { entries: ordered, older: undefined };
  }
  const most = policy.kind === "last" ? policy.count : 0;
  const newest = most === 0 ? [] : ordered.slice(-most);
  return { entries: newest, older: Math.max(0, most - newest.length) };
}
