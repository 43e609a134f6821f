import { describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ServerError } from "../../domain/error.ts";
import { ANONYMOUS, EMPTY_MAP, EMPTY_PAYLOAD } from "../../domain/invocation.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import {
  type AttachResponse,
  AttachRequestSchema,
  AttachResponseSchema,
} from "../../gen/troupe/v1/host_pb.ts";
import { connectCodeOf } from "../error-map.ts";
import { AttachedHost } from "./attached-host.ts";
import { type LinkFixture, linkFixture } from "../../../test/conformance/host-kit/link-fixture.ts";

interface Attached extends LinkFixture {
  readonly host: AttachedHost;
  readonly sent: AttachResponse[];
  readonly ends: (ServerError | undefined)[];
  blocked: boolean;
  room: () => void;
  say(frame: Frame): Promise<void>;
}

type Frame = MessageInitShape<typeof AttachRequestSchema>;

/** A host before its first frame. */
function attaching(): Attached {
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

const types = [{ type: "counter" }];
const hello = { token: "good", version: 1, types, credit: 10, hostName: "me" };

async function attached(credit = 0): Promise<Attached> {
  const fixture = attaching();
  await fixture.say({ hello, credit });
  return fixture;
}

function invocation(id: number, type = "counter"): HostInvocation {
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

describe("hello", () => {
  test("is answered with a welcome and registers types and credit", async () => {
    const { sent, gate } = await attached();
    expect(sent[0]?.welcome).toMatchObject({
      node: "n1",
      version: 1,
      maxMessageBytes: 4 * 1024 * 1024,
    });
    expect(gate.links[0]?.types.map(({ type }) => type)).toEqual(["counter"]);
    expect([
      gate.links[0]?.firstCredit,
      gate.links[0]?.link.identity.id,
      gate.links[0]?.link.name,
    ]).toEqual([10, "h", "me"]);
  });

  test.each([
    ["no hello first", { credit: 1 }, "invalid_argument", "HELLO_MISSING"],
    ["wire version 99", { hello: { ...hello, version: 99 } }, "failed_precondition", "VERSION"],
    ["a wrong token", { hello: { ...hello, token: "bad" } }, "unauthenticated", "CREDENTIALS"],
    [
      "the token of a client",
      { hello: { ...hello, token: "client" } },
      "permission_denied",
      "HOST_IDENTITY",
    ],
    [
      "a flood of types",
      { hello: { ...hello, types: Array.from({ length: 20_000 }, () => ({})) } },
      "invalid_argument",
      "TOO_MANY_ELEMENTS",
    ],
    [
      "a first frame without measure",
      { hello: { ...hello, sdk: "x".repeat(1024 * 1024) } },
      "invalid_argument",
      "EARLY_FRAMES",
    ],
    [
      "a type without a name",
      { hello: { ...hello, types: [{ type: "" }] } },
      "invalid_argument",
      "ID_EMPTY",
    ],
    [
      "a type twice",
      { hello: { ...hello, types: [...types, ...types] } },
      "invalid_argument",
      "DUPLICATE_TYPE",
    ],
    [
      "a setting without effect",
      { hello: { ...hello, types: [{ type: "a", initAction: "x" }] } },
      "unimplemented",
      "SETTING_UNSUPPORTED",
    ],
    [
      "a kind of a later version",
      { hello: { ...hello, types: [{ type: "a", kind: 99 }] } },
      "invalid_argument",
      "UNKNOWN_ENUM",
    ],
    [
      "an endless name",
      { hello: { ...hello, hostName: "x".repeat(999) } },
      "invalid_argument",
      "HOST_NAME",
    ],
  ])("%s ends the stream", async (_, frame, code, reason) => {
    const fixture = attaching();
    await fixture.say(frame as Frame);
    const [error] = fixture.ends;
    if (error === undefined) throw new Error("the stream did not end with an error");
    expect([connectCodeOf(error), error.details.reason]).toEqual([code, reason] as never);
    expect(fixture.gate.links).toHaveLength(0);
  });

  test("the refusal of a version names the range that is spoken", async () => {
    const fixture = attaching();
    await fixture.say({ hello: { ...hello, version: 99 } });
    expect(fixture.ends[0]?.message).toContain("speaks 1 to 1");
  });

  test("must come in time", async () => {
    const { clock, ends } = attaching();
    await clock.advance(9_999);
    expect(ends).toEqual([]);
    await clock.advance(2);
    expect(ends[0]?.details.reason).toBe("HELLO_TIMEOUT");
  });

  test("comes once", async () => {
    const fixture = await attached();
    await fixture.say({ hello });
    expect(fixture.ends[0]?.details.reason).toBe("HELLO_TWICE");
    expect(fixture.gate.links[0]?.lost).toBeDefined();
  });

  test("what comes with it counts, and a flood before the welcome does not", async () => {
    const { gate } = await attached(5);
    expect(gate.links[0]?.credit).toBe(15);
    const flood = attaching();
    for (let at = 0; at < 20; at += 1) {
      flood.host.receive(
        toBinary(
          AttachRequestSchema,
          create(AttachRequestSchema, at === 0 ? { hello } : { ping: true }),
        ),
      );
    }
    expect(flood.ends[0]?.details.reason).toBe("EARLY_FRAMES");
    const large = attaching();
    const outcomes = [{ reply: { type: "x", data: new Uint8Array(600_000) } }];
    for (const frame of [{ hello }, { results: [{ outcomes }] }, { results: [{ outcomes }] }]) {
      large.host.receive(toBinary(AttachRequestSchema, create(AttachRequestSchema, frame)));
    }
    expect(large.ends[0]?.details.reason).toBe("EARLY_FRAMES");
  });

  test("a host in a loop is held back", async () => {
    const { options, clock } = linkFixture();
    const admit = (): void => options.registrations.admit("host/h");
    for (let at = 0; at < 100; at += 1) admit();
    expect(admit).toThrow("too often");
    options.registrations.admit("host/other");
    await clock.advance(200);
    admit();
    admit();
    expect(admit).toThrow("too often");
  });

  test("a weight that is no number is as good as none", async () => {
    for (const weight of [Number.NaN, -1, Number.POSITIVE_INFINITY, 0]) {
      const fixture = attaching();
      await fixture.say({ hello: { ...hello, weight } });
      expect(fixture.host.weight).toBe(1);
    }
  });
});

describe("an attached host", () => {
  test("gets what one tick brings in one frame", async () => {
    const { gate, sent, clock, host } = await attached();
    const first = gate.execute(invocation(1));
    const second = gate.execute(invocation(2));
    host.cancel(2);
    await clock.tick();
    expect(sent).toHaveLength(2);
    expect(sent[1]?.invocations.map(({ id }) => id)).toEqual([1n, 2n]);
    expect(sent[1]?.cancel).toEqual([2n]);
    expect(sent[1]?.invocations[0]?.turns[0]?.turnToken).toBe(`${host.id}.10`);
    void first.catch(() => undefined);
    void second.catch(() => undefined);
  });

  test("answers, also when nobody waits any more; unknown and repeated answers are ignored", async () => {
    const { gate, say, host, ends } = await attached();
    const answer = gate.execute(invocation(1));
    const outcomes = [
      { turnId: 10n, reply: { type: "application/json", data: new Uint8Array([0x31]) } },
    ];
    await say({ results: [{ id: 99n }, { id: 1n, outcomes }, { id: 1n, outcomes }], credit: 1 });
    expect((await answer).outcomes[0]?.reply.data).toEqual(new Uint8Array([0x31]));
    expect(gate.links[0]?.batches).toEqual([1]);
    const late = gate.execute(invocation(2));
    host.cancel(2);
    await say({ results: [{ id: 2n, outcomes: [{ turnId: 20n }] }] });
    expect((await late).outcomes).toHaveLength(1);
    expect(ends).toEqual([]);
  });

  test("may send large frames once it is welcome", async () => {
    const { gate, say, ends } = await attached();
    const answer = gate.execute(invocation(1));
    const reply = { type: "x", data: new Uint8Array(1_500_000) };
    await say({ results: [{ id: 1n, outcomes: [{ turnId: 10n, reply }] }] });
    expect((await answer).outcomes[0]?.reply.data).toHaveLength(1_500_000);
    expect(ends).toEqual([]);
  });

  test("gets long batches in several frames", async () => {
    const { gate, sent, clock } = await attached(100);
    const state = { type: "application/json", data: new Uint8Array(600_000) };
    for (let id = 1; id <= 4; id += 1)
      void gate.execute({ ...invocation(id), state }).catch(() => undefined);
    await clock.tick();
    expect(sent.slice(1).map(({ invocations }) => invocations.length)).toEqual([2, 2]);
  });

  test("without room gets nothing more until there is some", async () => {
    const fixture = await attached(100);
    fixture.blocked = true;
    for (let id = 1; id <= 50; id += 1)
      void fixture.gate.execute(invocation(id)).catch(() => undefined);
    fixture.host.cancel(3);
    await fixture.clock.tick();
    expect(fixture.sent).toHaveLength(1);
    fixture.blocked = false;
    fixture.room();
    expect(fixture.sent[1]?.invocations).toHaveLength(50);
    expect(fixture.sent[1]?.cancel).toEqual([3n]);
    await fixture.clock.advance(60_000);
    expect(fixture.ends).toEqual([]);
  });

  test("that takes nothing for long is let go", async () => {
    const fixture = await attached();
    fixture.blocked = true;
    const failed = fixture.gate.execute(invocation(1)).catch((error: unknown) => error);
    await fixture.clock.tick();
    await fixture.clock.advance(29_999);
    expect(fixture.ends).toEqual([]);
    await fixture.clock.advance(2);
    expect(fixture.ends[0]?.details.reason).toBe("HOST_STUCK");
    expect(await failed).toMatchObject({ code: "host.unavailable", outcome: "not_applied" });
  });

  test("is lost once, whoever ends it, and its turns fail as not applied", async () => {
    const { gate, host, ends } = await attached();
    const failed = gate.execute(invocation(1)).catch((error: unknown) => error);
    host.ended("the connection is lost");
    host.close("again");
    host.receive(new Uint8Array([0xff]));
    expect(gate.links[0]?.lost).toBe("the connection is lost");
    expect(ends).toEqual([undefined]);
    expect(await failed).toMatchObject({ outcome: "not_applied" });
  });

  test("a frame that cannot be read ends it", async () => {
    const { gate, host, ends } = await attached();
    host.receive(new Uint8Array([0x12, 200, 1]));
    expect(ends[0]?.details.reason).toBe("MALFORMED");
    expect(gate.links[0]?.lost).toBeDefined();
  });

  test("ping, draining and more types", async () => {
    const { gate, say, sent, host, clock } = await attached();
    await say({ ping: true, types: [{ type: "more" }], draining: true });
    expect(sent.at(-1)?.pong).toBe(true);
    expect(gate.links[0]?.types.map(({ type }) => type)).toEqual(["counter", "more"]);
    expect(gate.links[0]?.draining).toBe(true);
    host.drain();
    await clock.tick();
    expect(sent.at(-1)?.draining).toBe(true);
  });

  test("a refusal of the node is the stream's end, and no loss", async () => {
    const fixture = attaching();
    fixture.gate.attach = () => {
      throw Object.assign(new Error("owned"), {
        name: "ServerError",
        code: "access.denied",
        outcome: "not_started",
        details: { reason: "KIND_OWNED" },
      });
    };
    await fixture.say({ hello });
    expect(fixture.ends[0]?.details.reason).toBe("KIND_OWNED");
    expect(fixture.gate.links).toHaveLength(0);
  });
});

describe("a call of a turn", () => {
  const request = { actor: { system: "", type: "log", key: "x" }, action: "write" };

  test("inherits chain, caller and deadline", async () => {
    const { gate, say, sent, calls, host } = await attached();
    void gate.execute(invocation(1)).catch(() => undefined);
    const timeout = { seconds: 60n, nanos: 0 };
    await say({
      calls: [{ id: 5n, request: { ...request, timeout, turnToken: `${host.id}.10` } }],
    });
    expect(calls[0]).toMatchObject({
      actor: { system: "default", type: "log", key: "x" },
      chain: [{ system: "default", type: "counter", key: "k" }],
      caller: { kind: "anonymous", actor: { type: "counter", key: "k" } },
      deadlineMs: 1000,
    });
    const [result] = sent.at(-1)?.callResults ?? [];
    expect([result?.id, result?.result.case]).toEqual([5n, "response"]);
  });

  test.each([
    ["no token", ""],
    ["the token of nobody", "nobody.10"],
  ])("with %s is refused", async (_, turnToken) => {
    const { gate, say, sent, calls } = await attached();
    void gate.execute(invocation(1)).catch(() => undefined);
    await say({ calls: [{ id: 5n, request: { ...request, turnToken } }] });
    const result = sent.at(-1)?.callResults[0]?.result;
    expect(result?.case === "error" ? result.value.detail?.reason : result?.case).toBe(
      "TURN_TOKEN",
    );
    expect(calls).toHaveLength(0);
  });

  test("with the token of another host's turn is refused", async () => {
    const one = await attached();
    void one.gate.execute(invocation(1)).catch(() => undefined);
    const stranger = new AttachedHost(
      one.options,
      {
        prefixBytes: 0,
        blocked: false,
        onRoom: () => undefined,
        write: (frame) => void one.sent.push(fromBinary(AttachResponseSchema, frame)),
        close: () => undefined,
      },
      { authorization: "", remoteAddress: "", secure: false, certificate: undefined },
    );
    stranger.receive(
      toBinary(
        AttachRequestSchema,
        create(AttachRequestSchema, { hello: { ...hello, types: [{ type: "other" }] } }),
      ),
    );
    await one.clock.tick();
    const calls = [{ id: 5n, request: { ...request, turnToken: `${one.host.id}.10` } }];
    stranger.receive(toBinary(AttachRequestSchema, create(AttachRequestSchema, { calls })));
    await one.clock.tick();
    const result = one.sent.at(-1)?.callResults[0]?.result;
    expect(result?.case === "error" ? result.value.detail?.reason : result?.case).toBe(
      "TURN_TOKEN",
    );
    expect(one.calls).toHaveLength(0);
  });

  test("with an id under way is refused", async () => {
    const { gate, host, sent, clock } = await attached();
    void gate.execute(invocation(1)).catch(() => undefined);
    const call = { id: 5n, request: { ...request, turnToken: `${host.id}.10` } };
    host.receive(
      toBinary(AttachRequestSchema, create(AttachRequestSchema, { calls: [call, call] })),
    );
    await clock.tick();
    const cases = sent.at(-1)?.callResults.map(({ result }) => result.case);
    expect(cases?.toSorted()).toEqual(["error", "response"]);
  });
});
