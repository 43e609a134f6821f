import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import WebSocket from "ws";
import { type EdgeServer, startEdge } from "../../test/support/edge-server.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { ANONYMOUS, type Caller } from "../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import {
  InvokeStreamRequestSchema,
  type InvokeStreamResponse_Result,
  InvokeStreamResponseSchema,
} from "../gen/troupe/v1/actor_pb.ts";
import { CLIENT_PROTOCOL } from "./client-socket.ts";

const actor = { type: "counter", key: "k" };

class Client implements Disposable {
  readonly results = new Map<bigint, InvokeStreamResponse_Result>();
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  failed: string | undefined;
  frames = 0;

  constructor(edge: EdgeServer, protocol = CLIENT_PROTOCOL, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${edge.port}/`, protocol, { headers });
    this.socket.on("message", (data: Buffer) => {
      this.frames += 1;
      for (const result of fromBinary(InvokeStreamResponseSchema, data).results) {
        this.results.set(result.id, result);
      }
    });
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.socket.on("error", (error) => {
      this.failed = error.message;
    });
  }

  async open(): Promise<this> {
    await waitUntil("the socket opens", () => this.socket.readyState === WebSocket.OPEN);
    return this;
  }

  call(ids: readonly number[], action = "add", cancel: readonly number[] = []): void {
    const calls = ids.map((id) => ({ id: BigInt(id), request: { actor, action } }));
    const frame = create(InvokeStreamRequestSchema, { calls, cancel: cancel.map(BigInt) });
    this.socket.send(toBinary(InvokeStreamRequestSchema, frame));
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => from + at);

describe("calls over a WebSocket", () => {
  test("come back in batches, matched by id", async () => {
    await using edge = await startEdge();
    using client = await new Client(edge).open();
    client.call(range(1, 500));
    client.call([900, 901], "bug");
    await waitUntil("every answer", () => client.results.size === 502);
    const last = client.results.get(500n)?.result;
    expect(last?.case === "response" && last.value.revision).toBe(500n);
    const bug = client.results.get(900n)?.result;
    expect(bug?.case === "error" && [bug.value.code, bug.value.detail?.code]).toEqual([
      "internal",
      "internal.bug",
    ]);
    expect(client.frames).toBeLessThan(20);
  });

  test("are taken back by id, and all of them with the socket", async () => {
    await using edge = await startEdge();
    using client = await new Client(edge).open();
    client.call([1, 2], "never");
    await waitUntil("both run", () => edge.actors.invocations.length === 2);
    client.call([], "add", [1, 77]);
    await waitUntil("the first is taken back", () => client.results.has(1n));
    const result = client.results.get(1n)?.result;
    expect(result?.case === "error" && result.value.code).toBe("canceled");
    client.socket.terminate();
    await waitUntil("the second is taken back", () => edge.actors.taken === 2);
  });

  test("above the bound are refused one by one", async () => {
    await using edge = await startEdge({ edgeLimits: { streamCalls: 2 } });
    using client = await new Client(edge).open();
    client.call([1, 2], "never");
    client.call([3]);
    await waitUntil("the refusal", () => client.results.has(3n));
    const refused = client.results.get(3n)?.result;
    expect(refused?.case === "error" && [refused.value.code, refused.value.detail?.reason]).toEqual(
      ["resource_exhausted", "STREAM_CALLS"],
    );
    client.call([], "add", [1]);
    await waitUntil("room again", () => client.results.has(1n));
    client.call([4]);
    await waitUntil("the answer", () => client.results.get(4n)?.result.case === "response");
    expect(edge.actors.invocations.map(({ action }) => action)).toEqual(["never", "never", "add"]);
  });

  test.each([
    ["text", "hello", 1003, "frames are binary"],
    ["garbage", new Uint8Array([0xff, 0xff]), 1007, "MALFORMED"],
  ])("end with a frame that is %s", async (_name, frame, code, reason) => {
    await using edge = await startEdge();
    using client = await new Client(edge).open();
    client.socket.send(frame);
    await waitUntil("the end", () => client.closed !== undefined);
    expect(client.closed).toEqual({ code, reason });
  });

  test("end with a frame that is larger than a message, known or not who sent it", async () => {
    await using edge = await startEdge({ limits: { ...DEFAULT_LIMITS, messageBytes: 1_000 } });
    using client = await new Client(edge).open();
    client.socket.send(new Uint8Array(1_001));
    await waitUntil("the end", () => client.closed !== undefined);
    expect(client.closed).toEqual({ code: 1009, reason: "MESSAGE_TOO_LARGE" });
    await using slow = await startEdge({
      limits: { ...DEFAULT_LIMITS, messageBytes: 1_000 },
      authenticate: () => new Promise(() => undefined),
    });
    using early = await new Client(slow).open();
    for (let at = 0; at < 3; at += 1) early.socket.send(new Uint8Array(500));
    await waitUntil("the end", () => early.closed !== undefined);
    expect(early.closed?.code).toBe(1013);
  });

  test("end with an id that is taken", async () => {
    await using edge = await startEdge();
    using client = await new Client(edge).open();
    client.call([1, 1], "never");
    await waitUntil("the end", () => client.closed !== undefined);
    expect(client.closed?.reason).toBe("DUPLICATE_CALL_ID");
    await waitUntil("the first is taken back", () => edge.actors.taken === 1);
  });

  test("wait for an authenticator that takes its time", async () => {
    let admit: ((caller: Caller | undefined) => void) | undefined;
    const authenticate = () =>
      new Promise<Caller | undefined>((resolve) => {
        admit = resolve;
      });
    await using edge = await startEdge({ authenticate });
    using client = await new Client(edge).open();
    client.call([1]);
    admit?.({ ...ANONYMOUS, id: "late" });
    await waitUntil("the answer", () => client.results.has(1n));
    expect(edge.actors.invocations[0]?.caller.id).toBe("late");
    using refused = await new Client(edge).open();
    refused.call([1]);
    admit?.(undefined);
    await waitUntil("the end", () => refused.closed !== undefined);
    expect(refused.closed).toEqual({ code: 1008, reason: "CREDENTIALS" });
    expect(edge.actors.invocations).toHaveLength(1);
  });
});

describe("an upgrade is refused", () => {
  test.each([
    ["without credentials", {}, CLIENT_PROTOCOL, {}, 401],
    ["for another subprotocol", { authenticate: () => ANONYMOUS }, "chat", {}, 400],
    [
      "to a foreign page",
      { authenticate: () => ANONYMOUS },
      CLIENT_PROTOCOL,
      { origin: "https://evil.example" },
      403,
    ],
  ])("%s", async (_name, options, protocol, headers, status) => {
    await using edge = await startEdge({ authenticate: () => undefined, ...options });
    using client = new Client(edge, protocol, headers);
    await waitUntil("the refusal", () => client.failed !== undefined);
    expect(client.failed).toContain(String(status));
  });
});

test("another subprotocol is handed on, with the credentials", async () => {
  const seen: string[] = [];
  await using edge = await startEdge({
    authenticate: () => undefined,
    upgrades: [
      {
        protocol: "troupe.v1.host",
        accept: (link, { authorization }) => {
          seen.push(authorization);
          link.onMessage((frame) => link.send(frame));
        },
      },
    ],
  });
  using client = await new Client(edge, "troupe.v1.host", { authorization: "Bearer t" }).open();
  client.socket.send(new Uint8Array());
  await waitUntil("the echo", () => client.frames === 1);
  expect(seen).toEqual(["Bearer t"]);
});
