import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  attached,
  attaching,
  hello,
  invocation,
} from "../../../test/conformance/host-kit/attaching.ts";
import { AttachRequestSchema, AttachResponseSchema } from "../../gen/troupe/v1/host_pb.ts";
import { AttachedHost } from "./attached-host.ts";

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
