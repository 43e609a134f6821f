import type { ActorId } from "../../domain/actor.ts";
import type { Caller } from "../../domain/invocation.ts";
import { Caller_Kind } from "../../gen/troupe/v1/invocation_pb.ts";
import { type ProtoReader, WireError } from "./reader.ts";
import type { ProtoWriter } from "./writer.ts";

const CALLER_KINDS: Readonly<Record<Caller["kind"], Caller_Kind>> = {
  anonymous: Caller_Kind.ANONYMOUS,
  client: Caller_Kind.CLIENT,
  host: Caller_Kind.HOST,
  peer: Caller_Kind.PEER,
  admin: Caller_Kind.ADMIN,
  system: Caller_Kind.SYSTEM,
};

/** Writes an `ActorId`. */
export function writeActor(
  writer: ProtoWriter,
  field: number,
  { system, type, key }: ActorId,
): void {
  const mark = writer.begin(field);
  writer.string(1, system);
  writer.string(2, type);
  writer.string(3, key);
  writer.end(mark);
}

/** Reads the `ActorId` that comes next. */
export function readActor(reader: ProtoReader): ActorId {
  const outer = reader.enter();
  let [system, type, key] = ["", "", ""];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) system = reader.string();
    else if (tag === 0x12) type = reader.string();
    else if (tag === 0x1a) key = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { system, type, key };
}

/** Writes a `Caller`. */
export function writeCaller(
  writer: ProtoWriter,
  field: number,
  { kind, id, roles, actor }: Caller,
): void {
  const mark = writer.begin(field);
  writer.uint(1, CALLER_KINDS[kind]);
  writer.string(2, id);
  for (const role of roles) writer.presentString(3, role);
  if (actor !== undefined) writeActor(writer, 4, actor);
  writer.end(mark);
}

/** Reads the `Caller` that comes next; one of an unknown kind is refused. */
export function readCaller(reader: ProtoReader): Caller {
  const outer = reader.enter();
  let number = 0;
  let id = "";
  const roles: string[] = [];
  let actor: ActorId | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) number = reader.uint32();
    else if (tag === 0x12) id = reader.string();
    else if (tag === 0x1a) {
      reader.count();
      roles.push(reader.string());
    } else if (tag === 0x22) actor = readActor(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
  for (const kind of Object.keys(CALLER_KINDS) as Caller["kind"][]) {
    if (CALLER_KINDS[kind] !== number) continue;
    return { kind, id, roles, ...(actor !== undefined && { actor }) };
  }
  throw new WireError("a caller has an unknown kind");
}
