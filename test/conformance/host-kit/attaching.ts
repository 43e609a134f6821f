import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ServerError } from "../../../src/domain/error.ts";
import { ANONYMOUS, EMPTY_MAP, EMPTY_PAYLOAD } from "../../../src/domain/invocation.ts";
import type { HostInvocation } from "../../../src/domain/turn.ts";
import { AttachedHost } from "../../../src/edge/host-link/attached-host.ts";
import {
  type AttachResponse,
  AttachRequestSchema,
  AttachResponseSchema,
} from "../../../src/gen/troupe/v1/host_pb.ts";
import { type LinkFixture, linkFixture } from "./link-fixture.ts";

/** A host over a transport in memory, with all that was sent to it. */
export interface Attached extends LinkFixture {
  readonly host: AttachedHost;
  readonly sent: AttachResponse[];
  readonly ends: (ServerError | undefined)[];
  blocked: boolean;
  room: () => void;
  say(frame: Frame): Promise<void>;
}

/** What a host says in one frame. */
export type Frame = MessageInitShape<typeof AttachRequestSchema>;

/** A host before its first frame. */
export function attaching(): Attached {
  const fixture = linkFixture();
  const sent: AttachResponse[] = [];
  const ends: (ServerError | undefined)[] = [];
  const attached = { ...fixture, sent, ends, blocked: false, room: () => undefined } as unknown as {
    -readonly [K in keyof Attached]: Attached[K];
  };
  const transport = {
    prefixBytes: 0 as const,
    get blocked(): boolean {
      return attached.blocked;
    },
    onRoom: (listener: () => void) => void (attached.room = listener),
    write: (frame: Uint8Array) => void sent.push(fromBinary(AttachResponseSchema, frame)),
    close: (error: ServerError | undefined) => void ends.push(error),
  };
  const credentials = {
    authorization: "",
    remoteAddress: "127.0.0.1",
    secure: false,
    certificate: undefined,
  };
  attached.host = new AttachedHost(fixture.options, transport, credentials);
  attached.say = async (frame) => {
    attached.host.receive(toBinary(AttachRequestSchema, create(AttachRequestSchema, frame)));
    await fixture.clock.tick();
  };
  return attached;
}

/** What a host says first. */
const types = [{ type: "counter" }];
export const hello = { token: "good", version: 1, types, credit: 10, hostName: "me" };

/** A host that is welcome. */
export async function attached(credit = 0): Promise<Attached> {
  const fixture = attaching();
  await fixture.say({ hello, credit });
  return fixture;
}

/** One turn of an actor. */
export function invocation(id: number, type = "counter"): HostInvocation {
  const actor = { system: "default", type, key: "k" };
  const call = {
    actor,
    action: "add",
    payload: EMPTY_PAYLOAD,
    requestId: "",
    metadata: EMPTY_MAP,
    caller: ANONYMOUS,
    chain: [],
    deadlineMs: 1000,
    trace: undefined,
    hops: 0,
  };
  const turns = [{ turnId: id * 10, attempt: 1, invocation: call }];
  return { id, actor, state: undefined, revision: 0, epoch: 1, tags: {}, turns, keepStates: false };
}
