import type { ActorId } from "../../domain/actor.ts";
import { CONNECT_CODES } from "../../domain/connect-code.ts";
import {
  type ErrorCode,
  type ErrorDetails,
  type Outcome,
  ServerError,
} from "../../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD, type Reply } from "../../domain/invocation.ts";
import { type ProtoReader, WireError } from "../wire/reader.ts";
import { readActor, writeActor } from "../wire/wire-caller.ts";
import { readPayload, writePayload } from "../wire/wire-payload.ts";
import type { ProtoWriter } from "../wire/writer.ts";

/** What became of a call, and which call it was. */
export type ReceivedAnswer =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly error: ServerError };

const MESSAGE_CHARACTERS = 4_096;
const OUTCOMES: ReadonlySet<string> = new Set<Outcome>(["not_started", "not_applied", "unknown"]);

/** Writes a `PeerAnswer` with a reply. */
export function writeReply(writer: ProtoWriter, field: number, id: number, reply: Reply): void {
  const mark = writer.begin(field);
  writer.uint(1, id);
  const inner = writer.begin(2);
  if (reply.payload !== EMPTY_PAYLOAD) writePayload(writer, 1, reply.payload);
  writer.uint(2, reply.revision);
  writer.bool(3, reply.durable);
  writer.bool(4, reply.replayed);
  writer.map(5, reply.metadata);
  if (reply.tags !== undefined) {
    writer.map(6, reply.tags);
    writer.bool(7, true);
  }
  writer.end(inner);
  writer.end(mark);
}

/** Writes a `PeerAnswer` with an error. The cause stays on this member. */
export function writeError(
  writer: ProtoWriter,
  field: number,
  id: number,
  { code, message, outcome, details }: ServerError,
): void {
  const mark = writer.begin(field);
  writer.uint(1, id);
  const inner = writer.begin(3);
  writer.string(1, code);
  writer.string(2, message.slice(0, MESSAGE_CHARACTERS).toWellFormed());
  writer.string(3, outcome);
  writer.string(4, details.reason ?? "");
  if (details.retryAfterMs !== undefined)
    writer.presentUint(5, Math.max(0, Math.round(details.retryAfterMs)));
  if (details.currentRevision !== undefined) writer.presentUint(6, details.currentRevision);
  writer.bool(7, details.committed ?? false);
  writer.string(8, details.hostCode ?? "");
  writer.string(9, details.owner ?? "");
  for (const actor of details.cycle ?? []) writeActor(writer, 10, actor);
  writer.end(inner);
  writer.end(mark);
}

/** Reads the `PeerAnswer` that comes next. Throws `WireError`. */
export function readAnswer(reader: ProtoReader): ReceivedAnswer {
  const outer = reader.enter();
  let id = 0;
  let reply: Reply | undefined;
  let error: ServerError | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) id = reader.uint64();
    else if (tag === 0x12) reply = readReply(reader);
    else if (tag === 0x1a) error = readError(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (error !== undefined) return { id, error };
  if (reply !== undefined) return { id, reply };
  throw new WireError("an answer holds neither reply nor error");
}

function readReply(reader: ProtoReader): Reply {
  const outer = reader.enter();
  let payload = EMPTY_PAYLOAD;
  let revision = 0;
  let [durable, replayed, hasTags] = [false, false, false];
  let metadata: Record<string, string> | undefined;
  const tags: Record<string, string> = {};
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        payload = readPayload(reader);
        break;
      case 0x10:
        revision = reader.uint64();
        break;
      case 0x18:
        durable = reader.bool();
        break;
      case 0x20:
        replayed = reader.bool();
        break;
      case 0x2a:
        metadata ??= {};
        reader.mapEntry(metadata);
        break;
      case 0x32:
        reader.mapEntry(tags);
        break;
      case 0x38:
        hasTags = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  const reply = { payload, revision, durable, replayed, metadata: metadata ?? EMPTY_MAP };
  return hasTags ? { ...reply, tags } : reply;
}

/** Fields of an error as far as they have been read. */
interface Draft {
  code: string;
  message: string;
  outcome: string;
  reason: string;
  retryAfterMs: number | undefined;
  currentRevision: number | undefined;
  committed: boolean;
  hostCode: string;
  owner: string;
  readonly cycle: ActorId[];
}

function readError(reader: ProtoReader): ServerError {
  const outer = reader.enter();
  const draft: Draft = {
    code: "",
    message: "",
    outcome: "",
    reason: "",
    retryAfterMs: undefined,
    currentRevision: undefined,
    committed: false,
    hostCode: "",
    owner: "",
    cycle: [],
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) readErrorField(reader, tag, draft);
  reader.leave(outer);
  // A code or an outcome of a later release: the most careful meaning is the honest one.
  const code = Object.hasOwn(CONNECT_CODES, draft.code)
    ? (draft.code as ErrorCode)
    : "internal.bug";
  const outcome = OUTCOMES.has(draft.outcome) ? (draft.outcome as Outcome) : "unknown";
  return new ServerError(code, draft.message, outcome, detailsOf(draft));
}

function readErrorField(reader: ProtoReader, tag: number, draft: Draft): void {
  switch (tag) {
    case 0x0a:
      draft.code = reader.string();
      break;
    case 0x12:
      draft.message = reader.string();
      break;
    case 0x1a:
      draft.outcome = reader.string();
      break;
    case 0x22:
      draft.reason = reader.string();
      break;
    case 0x28:
      draft.retryAfterMs = reader.uint64();
      break;
    case 0x30:
      draft.currentRevision = reader.uint64();
      break;
    case 0x38:
      draft.committed = reader.bool();
      break;
    case 0x42:
      draft.hostCode = reader.string();
      break;
    case 0x4a:
      draft.owner = reader.string();
      break;
    case 0x52:
      draft.cycle.push(readActor(reader));
      break;
    default:
      reader.skip(tag);
  }
}

function detailsOf(draft: Draft): ErrorDetails {
  const { reason, retryAfterMs, currentRevision, committed, hostCode, owner, cycle } = draft;
  return {
    ...(reason !== "" && { reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(currentRevision !== undefined && { currentRevision }),
    ...(committed && { committed }),
    ...(hostCode !== "" && { hostCode }),
    ...(owner !== "" && { owner }),
    ...(cycle.length > 0 && { cycle }),
  };
}
