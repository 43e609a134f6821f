import type { ActorId } from "../../domain/actor.ts";
import type { Effect, ScheduleTime } from "../../domain/effect.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../../domain/invocation.ts";
import { DEFAULT_SYSTEM } from "../gates/ids.ts";
import { type ProtoReader, WireError } from "../wire/reader.ts";
import { readPayload } from "../wire/wire-payload.ts";

/** Effects of the protocol that this server has no name for in its domain; a turn that asks is refused. */
const UNSUPPORTED: Readonly<Record<number, string>> = {
  0x42: "restore",
  0x52: "saga",
  0x5a: "gather",
  0x62: "monitor",
};

/** Reads the `Effect` that comes next. Throws `WireError` for one that says nothing. */
export function readEffect(reader: ProtoReader): Effect {
  const outer = reader.enter();
  let effect: Effect | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) effect = readOne(reader, tag);
  reader.leave(outer);
  if (effect === undefined) throw new WireError("an effect is empty");
  return effect;
}

function readOne(reader: ProtoReader, tag: number): Effect {
  switch (tag) {
    case 0x0a:
      return readTargeted(reader, "forward");
    case 0x12:
      return readTargeted(reader, "pipe");
    case 0x1a:
      return readSend(reader);
    case 0x22:
      return readBroadcast(reader);
    case 0x2a:
      return readSchedule(reader);
    case 0x32:
      return readCancel(reader);
    case 0x3a:
      reader.view();
      return { kind: "checkpoint" };
    case 0x4a:
      return readDelete(reader);
    default:
      // An effect of a later version is refused by name, never dropped in silence.
      reader.skip(tag);
      return { kind: "unsupported", name: UNSUPPORTED[tag] ?? `number ${tag >>> 3}` };
  }
}

/** Reads every field of the nested message that comes next by `read`, which says if it knew the tag. */
function eachField(reader: ProtoReader, read: (tag: number) => boolean): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) if (!read(tag)) reader.skip(tag);
  reader.leave(outer);
}

function readActor(reader: ProtoReader): ActorId {
  let system = "";
  let type = "";
  let key = "";
  eachField(reader, (tag) => {
    if (tag === 0x0a) system = reader.string();
    else if (tag === 0x12) type = reader.string();
    else if (tag === 0x1a) key = reader.string();
    else return false;
    return true;
  });
  return { system: system === "" ? DEFAULT_SYSTEM : system, type, key };
}

const NOBODY: ActorId = { system: "", type: "", key: "" };

function readTargeted(reader: ProtoReader, kind: "forward" | "pipe"): Effect {
  let target = NOBODY;
  let action = "";
  eachField(reader, (tag) => {
    if (tag === 0x0a) target = readActor(reader);
    else if (tag === 0x12) action = reader.string();
    else return false;
    return true;
  });
  return { kind, target, action };
}

function readSend(reader: ProtoReader): Effect {
  let target = NOBODY;
  let action = "";
  let payload = EMPTY_PAYLOAD;
  let delayMs = 0;
  let metadata: Record<string, string> | undefined;
  let requestId = "";
  eachField(reader, (tag) => {
    if (tag === 0x0a) target = readActor(reader);
    else if (tag === 0x12) action = reader.string();
    else if (tag === 0x1a) payload = readPayload(reader);
    else if (tag === 0x22) delayMs = reader.millis();
    else if (tag === 0x2a) reader.mapEntry((metadata ??= {}));
    else if (tag === 0x32) requestId = reader.string();
    else return false;
    return true;
  });
  return {
    kind: "send",
    target,
    action,
    payload,
    delayMs,
    metadata: metadata ?? EMPTY_MAP,
    requestId,
  };
}

function readBroadcast(reader: ProtoReader): Effect {
  let channel = "";
  let action = "";
  let payload = EMPTY_PAYLOAD;
  let metadata: Record<string, string> | undefined;
  eachField(reader, (tag) => {
    if (tag === 0x0a) channel = reader.string();
    else if (tag === 0x12) payload = readPayload(reader);
    else if (tag === 0x1a) action = reader.string();
    else if (tag === 0x22) reader.mapEntry((metadata ??= {}));
    else return false;
    return true;
  });
  return { kind: "broadcast", channel, action, payload, metadata: metadata ?? EMPTY_MAP };
}

const MISSED = ["fire_once", "fire_once", "skip", "all"] as const;

function readSchedule(reader: ProtoReader): Effect {
  let name = "";
  let action = "";
  let payload = EMPTY_PAYLOAD;
  let when: ScheduleTime | undefined;
  let timeZone = "";
  let missed = 0;
  let elsewhere = false;
  eachField(reader, (tag) => {
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) action = reader.string();
    else if (tag === 0x1a) payload = readPayload(reader);
    else if (tag === 0x22) when = { kind: "at", epochMs: reader.millis() };
    else if (tag === 0x2a) when = { kind: "delay", ms: reader.millis() };
    else if (tag === 0x32) when = { kind: "every", ms: reader.millis() };
    else if (tag === 0x3a) when = { kind: "cron", cron: reader.string(), timeZone: "" };
    else if (tag === 0x42) timeZone = reader.string();
    else if (tag === 0x48) missed = reader.uint32();
    else if (tag === 0x52) {
      readActor(reader);
      elsewhere = true;
    } else return false;
    return true;
  });
  if (elsewhere) return { kind: "unsupported", name: "schedule of another actor" };
  if (when === undefined) throw new WireError("a schedule has no time");
  const policy = MISSED[missed];
  if (policy === undefined)
    throw new WireError("a schedule's policy for missed fires is not known");
  return {
    kind: "schedule",
    name,
    action,
    payload,
    when: when.kind === "cron" ? { ...when, timeZone } : when,
    missed: policy,
  };
}

function readCancel(reader: ProtoReader): Effect {
  let name = "";
  let elsewhere = false;
  eachField(reader, (tag) => {
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) {
      readActor(reader);
      elsewhere = true;
    } else return false;
    return true;
  });
  return elsewhere
    ? { kind: "unsupported", name: "cancel a schedule of another actor" }
    : { kind: "cancel", name };
}

function readDelete(reader: ProtoReader): Effect {
  let shred = false;
  eachField(reader, (tag) => {
    if (tag !== 0x08) return false;
    shred = reader.bool();
    return true;
  });
  return { kind: "delete", shred };
}
