import { describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ANONYMOUS, EMPTY_MAP, EMPTY_PAYLOAD } from "../../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import {
  DescribeResponseSchema,
  ExecuteRequestSchema,
  ExecuteResponseSchema,
  RegisterRequestSchema,
} from "../../gen/troupe/v1/host_pb.ts";
import type { DialAnswer, DialTransport } from "../../node/ports.ts";
import { checkedEndpoint } from "./dial-endpoint.ts";
import { DialledHosts } from "./dialled-hosts.ts";
import { linkFixture } from "../../../test/conformance/host-kit/link-fixture.ts";

const ENDPOINT = "http://127.0.0.1:9000";

/** A host in memory that answers every invocation it is told to. */
class FakeHost implements DialTransport {
  up = true;
  readonly batches: bigint[][] = [];
  answer: (id: bigint) => MessageInitShape<typeof ExecuteResponseSchema>["results"] = (id) => [
    { id, outcomes: [{ turnId: id * 10n }] },
  ];
  version = 1;
  described: MessageInitShape<typeof DescribeResponseSchema>["types"] = [{ type: "described" }];
  /** How long the last call of the host may take. */
  timeoutMs = 0;
  /** Waits for ever, in place of an answer to `Execute`. */
  hang: ((timeoutMs: number) => Promise<DialAnswer>) | undefined;

  post(
    _endpoint: string,
    path: string,
    _headers: unknown,
    body: Uint8Array,
    bounds: { readonly timeoutMs: number },
  ): Promise<DialAnswer> {
    this.timeoutMs = bounds.timeoutMs;
    if (!this.up) return Promise.reject(new Error("connection refused"));
    if (path.endsWith("Describe")) {
      const described = create(DescribeResponseSchema, {
        version: this.version,
        types: this.described ?? [],
        sdk: "fake",
      });
      return Promise.resolve({ status: 200, body: toBinary(DescribeResponseSchema, described) });
    }
    const ids = fromBinary(ExecuteRequestSchema, body).invocations.map(({ id }) => id);
    this.batches.push(ids);
    if (this.hang !== undefined) return this.hang(bounds.timeoutMs);
    const results = ids.flatMap((id) => this.answer(id) ?? []);
    return Promise.resolve({
      status: 200,
      body: toBinary(ExecuteResponseSchema, create(ExecuteResponseSchema, { results })),
    });
  }
  close(): void {}
}

function invocation(id: number): HostInvocation {
  const actor = { system: "default", type: "counter", key: "k" };
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
  return {
    id,
    actor,
    state: undefined,
    revision: 0,
    epoch: 1,
    tags: {},
    turns: [{ turnId: id * 10, attempt: 1, invocation: call }],
    keepStates: false,
  };
}

function dialling() {
  const fixture = linkFixture();
  const host = new FakeHost();
  const hosts = new DialledHosts(fixture.options, host, "local");
  const register = (more: MessageInitShape<typeof RegisterRequestSchema> = {}) =>
    hosts.register(
      create(RegisterRequestSchema, {
        token: "good",
        version: 1,
        endpoint: ENDPOINT,
        types: [{ type: "counter" }],
        concurrency: 7,
        ...more,
      }),
      ANONYMOUS,
    );
  return { ...fixture, host, hosts, register };
}

describe("register", () => {
  test("calls the host once and links it", async () => {
    const { register, gate } = dialling();
    const { hostId, version } = await register();
    expect([gate.links[0]?.link.id, version]).toEqual([hostId, 1]);
    expect([
      gate.links[0]?.firstCredit,
      gate.links[0]?.link.identity.id,
      gate.links[0]?.link.sdk,
    ]).toEqual([7, "h", "fake"]);
  });

  test("takes the types that the host describes if none are given", async () => {
    const { register, gate } = dialling();
    await register({ types: [] });
    expect(gate.links[0]?.types.map(({ type }) => type)).toEqual(["described"]);
  });

  test.each([
    ["a wrong token", { token: "bad" }, "CREDENTIALS"],
    ["the token of a client", { token: "client" }, "HOST_IDENTITY"],
    ["wire version 99", { version: 99 }, "VERSION"],
    ["a neighbour's endpoint", { endpoint: "http://10.0.0.7:80" }, "ENDPOINT_FORBIDDEN"],
    ["no endpoint", { endpoint: "" }, "ENDPOINT"],
    ["a type without a name", { types: [{ type: "" }] }, "ID_EMPTY"],
  ])("with %s is refused", async (_, more, reason) => {
    const { register, gate } = dialling();
    await expect(register(more)).rejects.toMatchObject({ details: { reason } });
    expect(gate.links).toHaveLength(0);
  });

  test("a host that does not answer is refused", async () => {
    const { register, host } = dialling();
    host.up = false;
    await expect(register()).rejects.toMatchObject({
      code: "host.unavailable",
      outcome: "not_started",
    });
  });

  test("a host that describes itself without end is refused", async () => {
    const { register, gate, host } = dialling();
    host.described = Array.from({ length: 20_000 }, () => ({}));
    await expect(register({ types: [] })).rejects.toMatchObject({ code: "host.unavailable" });
    expect(gate.links).toHaveLength(0);
  });

  test("of two identities that register an endpoint at once, one has it", async () => {
    const { register, gate } = dialling();
    const [first, second] = await Promise.allSettled([register(), register({ token: "other" })]);
    expect([first.status, second.status]).toEqual(["fulfilled", "rejected"]);
    expect(second).toMatchObject({ reason: { details: { reason: "ENDPOINT_OWNED" } } });
    expect(gate.attached.map(({ link }) => link.identity.id)).toEqual(["h"]);
  });

  test("again, by the same identity, replaces; another identity is refused", async () => {
    const { register, gate } = dialling();
    await register();
    await register();
    expect(gate.attached).toHaveLength(1);
    expect(gate.links[0]?.lost).toBe("the host registered again");
    await expect(register({ token: "other" })).rejects.toMatchObject({
      details: { reason: "ENDPOINT_OWNED" },
    });
  });

  test.each([
    ["http://127.0.0.1:80/", "http://127.0.0.1"],
    ["http://LOCALHOST:8080", "http://localhost:8080"],
    ["http://[::1]:1", "http://[::1]:1"],
    ["unix:/run/a.sock", "unix:/run/a.sock"],
  ])("endpoint %s has one spelling", (text, spelling) => {
    expect(checkedEndpoint(text, "local")).toBe(spelling);
  });

  test.each([
    ["http://user:pass@127.0.0.1/"],
    ["http://127.0.0.1/path"],
    ["http://127.0.0.1/?q"],
    ["ftp://127.0.0.1"],
    ["file:///etc/passwd"],
    ["unix:relative"],
    [`unix:/${"x".repeat(300)}`],
  ])("endpoint %s is refused", (text) => {
    expect(() => checkedEndpoint(text, "any")).toThrow("neither");
  });
});

describe("a dialled host", () => {
  test("gets what one tick brings in one request and gives its credit back", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    const answers = Promise.all([gate.execute(invocation(1)), gate.execute(invocation(2))]);
    await clock.tick();
    expect((await answers).map(({ id }) => id)).toEqual([1, 2]);
    expect(host.batches).toEqual([[1n, 2n]]);
    expect(gate.links[0]?.credit).toBe(7);
  });

  test("is given the time of a turn, however soon its caller gives up", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    const answer = gate.execute(invocation(1));
    await clock.tick();
    await answer;
    expect(host.timeoutMs).toBeGreaterThan(DEFAULT_LIMITS.hostTurnTimeoutMs);
  });

  test("that hangs in one request goes on with others, and gets its credit back", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    host.hang = (timeoutMs) =>
      new Promise((_, reject) => clock.setTimer(timeoutMs, () => reject(new Error("too late"))));
    void gate.execute(invocation(1)).catch(() => undefined);
    await clock.tick();
    host.hang = undefined;
    const answer = gate.execute(invocation(2));
    await clock.tick();
    expect((await answer).id).toBe(2);
    expect(gate.links[0]?.credit).toBe(6);
    await clock.advance(DEFAULT_LIMITS.hostTurnTimeoutMs + 2_000);
    expect([gate.links[0]?.lost, gate.links[0]?.credit]).toEqual([undefined, 7]);
  });

  test("what an answer leaves out fails", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    host.answer = (id) => (id === 1n ? [] : [{ id, outcomes: [{ turnId: id * 10n }] }]);
    const answers = Promise.all([gate.execute(invocation(1)), gate.execute(invocation(2))]);
    await clock.tick();
    expect((await answers).map(({ failure }) => failure?.reason)).toEqual([
      "HOST_REPLY_INVALID",
      undefined,
    ]);
  });

  test("that fails a call is lost, and linked again when it answers", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    host.up = false;
    const failed = gate.execute(invocation(1)).catch((error: unknown) => error);
    await clock.tick();
    expect(await failed).toMatchObject({ code: "host.unavailable", outcome: "not_applied" });
    await clock.advance(5_000);
    expect(gate.attached).toHaveLength(0);
    host.up = true;
    await clock.advance(60_000);
    expect(gate.attached).toHaveLength(1);
    const answer = gate.execute(invocation(2));
    await clock.tick();
    expect((await answer).id).toBe(2);
  });

  test("that stops answering between calls is lost by the probe", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    host.up = false;
    await clock.advance(5_001);
    expect(gate.links[0]?.lost).toBe("the host does not answer");
  });

  test("that the node closes is not called any more", async () => {
    const { register, gate, clock, host } = dialling();
    await register();
    gate.links[0]?.link.close("the node is stopping");
    await clock.advance(120_000);
    expect(gate.attached).toHaveLength(0);
    expect(host.batches).toEqual([]);
  });

  test("is forgotten after an hour", async () => {
    const { register, gate, host, clock } = dialling();
    await register();
    host.up = false;
    await clock.advance(3_700_000);
    host.up = true;
    await clock.advance(600_000);
    expect(gate.attached).toHaveLength(0);
  });
});
