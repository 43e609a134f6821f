import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import type { ActorId } from "../domain/actor.ts";
import { type Caller, EMPTY_MAP, EMPTY_PAYLOAD, type Payload } from "../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../domain/turn.ts";
import { Caller_Kind } from "../gen/troupe/v1/invocation_pb.ts";

/** Remembers the token of each turn, under which its calls to other actors are accepted. */
export type TurnTokens = WeakMap<HostTurn, string>;

const CALLER_KINDS: Readonly<Partial<Record<number, Caller["kind"]>>> = {
  [Caller_Kind.CLIENT]: "client",
  [Caller_Kind.HOST]: "host",
  [Caller_Kind.PEER]: "peer",
  [Caller_Kind.ADMIN]: "admin",
  [Caller_Kind.SYSTEM]: "system",
};
const NOBODY: ActorId = { system: "", type: "", key: "" };
const UNKNOWN: Caller = { kind: "anonymous", id: "", roles: [] };

/**
 * Reads the fields of the message that comes next. `read` is given each tag (field << 3 | wire type)
 * and says whether it has read the field; what nobody reads is passed over.
 */
export function eachField(reader: BinaryReader, end: number, read: (tag: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!read(tag)) reader.skip((tag & 7) as WireType, tag >>> 3);
  }
}

/** The end of the nested message that comes next. */
export function nestedEnd(reader: BinaryReader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

/**
 * Reads the `Invocation` that comes next, field by field because every turn pays for it. Deadlines
 * are on the clock that `now` is read from. Throws if the bytes are no such message.
 */
export function readInvocation(
  reader: BinaryReader,
  now: number,
  tokens: TurnTokens,
): HostInvocation {
  let id = 0;
  let actor = NOBODY;
  let state: Payload | undefined;
  let revision = 0;
  let epoch = 0;
  let keepStates = false;
  const tags: Record<string, string> = {};
  const turns: HostTurn[] = [];
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x08) id = Number(reader.uint64());
    else if (tag === 0x12) actor = readActor(reader);
    else if (tag === 0x1a) state = readPayload(reader);
    else if (tag === 0x20) revision = Number(reader.uint64());
    else if (tag === 0x2a) readEntry(reader, tags);
    // The actor comes before its turns, as the fields are numbered.
    else if (tag === 0x32) turns.push(readTurn(reader, actor, now, tokens));
    else if (tag === 0x38) keepStates = reader.bool();
    else if (tag === 0x40) epoch = Number(reader.uint64());
    else return false;
    return true;
  });
  return { id, actor, state, revision, epoch, tags, turns, keepStates };
}

function readTurn(reader: BinaryReader, actor: ActorId, now: number, tokens: TurnTokens): HostTurn {
  let turnId = 0;
  let action = "";
  let payload = EMPTY_PAYLOAD;
  let caller = UNKNOWN;
  let metadata: Record<string, string> | undefined;
  let leftMs = 0;
  let requestId = "";
  let attempt = 0;
  let token = "";
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x08) turnId = Number(reader.uint64());
    else if (tag === 0x12) action = reader.string();
    else if (tag === 0x1a) payload = readPayload(reader);
    else if (tag === 0x22) caller = readCaller(reader);
    else if (tag === 0x2a) readEntry(reader, (metadata ??= {}));
    else if (tag === 0x3a) leftMs = readMillis(reader);
    else if (tag === 0x42) requestId = reader.string();
    else if (tag === 0x48) attempt = reader.uint32();
    else if (tag === 0x5a) token = reader.string();
    else return false;
    return true;
  });
  const turn: HostTurn = {
    turnId,
    attempt,
    invocation: {
      actor,
      action,
      payload,
      requestId,
      metadata: metadata ?? EMPTY_MAP,
      caller,
      chain: [],
      deadlineMs: now + leftMs,
      trace: undefined,
      hops: 0,
    },
  };
  tokens.set(turn, token);
  return turn;
}

function readActor(reader: BinaryReader): ActorId {
  let { system, type, key } = NOBODY;
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x0a) system = reader.string();
    else if (tag === 0x12) type = reader.string();
    else if (tag === 0x1a) key = reader.string();
    else return false;
    return true;
  });
  return { system, type, key };
}

function readPayload(reader: BinaryReader): Payload {
  let { type, data } = EMPTY_PAYLOAD;
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x0a) type = reader.string();
    else if (tag === 0x12) data = reader.bytes();
    else return false;
    return true;
  });
  return { type, data };
}

function readCaller(reader: BinaryReader): Caller {
  let { kind, id } = UNKNOWN;
  const roles: string[] = [];
  let actor: ActorId | undefined;
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x08) kind = CALLER_KINDS[reader.uint32()] ?? "anonymous";
    else if (tag === 0x12) id = reader.string();
    else if (tag === 0x1a) roles.push(reader.string());
    else if (tag === 0x22) actor = readActor(reader);
    else return false;
    return true;
  });
  return actor === undefined ? { kind, id, roles } : { kind, id, roles, actor };
}

function readEntry(reader: BinaryReader, map: Record<string, string>): void {
  let name = "";
  let value = "";
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) value = reader.string();
    else return false;
    return true;
  });
  map[name] = value;
}

function readMillis(reader: BinaryReader): number {
  let seconds = 0;
  let nanos = 0;
  eachField(reader, nestedEnd(reader), (tag) => {
    if (tag === 0x08) seconds = Number(reader.int64());
    else if (tag === 0x10) nanos = reader.int32();
    else return false;
    return true;
  });
  return seconds * 1000 + nanos / 1e6;
}
