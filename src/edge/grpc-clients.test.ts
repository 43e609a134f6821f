import { connect } from "node:http2";
import { expect, test } from "bun:test";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import { startEdge } from "../../test/support/edge-server.ts";
import { framed, grpcStatus, INVOKE, invokeBytes, post } from "../../test/support/rpc-bytes.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { InvokeResponseSchema, WatchRequestSchema } from "../gen/troupe/v1/actor_pb.ts";

const root = `${import.meta.dir}/../..`;
const definition = loadSync(
  ["troupe/v1/actor.proto", "grpc/health/v1/health.proto"].map((file) => `${root}/proto/${file}`),
  { includeDirs: [`${root}/proto`], longs: Number, defaults: true, keepCase: false },
);

type Unary = (
  request: object,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  done: (error: grpc.ServiceError | null, reply: Record<string, unknown>) => void,
) => grpc.ClientUnaryCall;

function client(service: string, port: number): grpc.Client {
  const Client = service
    .split(".")
    .reduce<unknown>(
      (at, name) => (at as Record<string, unknown>)[name],
      grpc.loadPackageDefinition(definition),
    );
  const Constructor = Client as typeof grpc.Client;
  return new Constructor(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

function call(on: grpc.Client, method: string, request: object, options: grpc.CallOptions = {}) {
  const unary = (on as unknown as Record<string, Unary>)[method] as Unary;
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    unary.call(on, request, new grpc.Metadata(), options, (error, reply) =>
      error === null ? resolve(reply) : reject(error),
    );
  });
}

const actor = { type: "counter", key: "k" };

test.each([true, false])("grpc-js speaks to it (lean: %p)", async (lean) => {
  await using edge = await startEdge({ lean });
  const actors = client("troupe.v1.ActorService", edge.port);
  try {
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => call(actors, "Invoke", { actor, action: "add" })),
    );
    expect(replies.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
    const state = await call(actors, "GetState", { actor });
    expect(state["revision"]).toBe(50);
    const busy = await call(actors, "Invoke", { actor, action: "busy" }).catch((error) => error);
    expect([busy.code, busy.details]).toEqual([
      grpc.status.RESOURCE_EXHAUSTED,
      "the mailbox is full",
    ]);
    const late = call(actors, "Invoke", { actor, action: "never" }, { deadline: Date.now() + 100 });
    expect((await late.catch((error) => error)).code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await waitUntil("the late call is taken back", () => edge.actors.taken === 1);
    const missing = await call(actors, "Publish", { channel: "c" }).catch((error) => error);
    expect(missing.code).toBe(grpc.status.UNIMPLEMENTED);
    const health = client("grpc.health.v1.Health", edge.port);
    expect((await call(health, "Check", {}))["status"]).toBe(1);
    health.close();
  } finally {
    actors.close();
  }
});

test.each([true, false])("grpc-js streams calls both ways (lean: %p)", async (lean) => {
  await using edge = await startEdge({ lean });
  const actors = client("troupe.v1.ActorService", edge.port);
  const open = (actors as unknown as Record<string, () => grpc.ClientDuplexStream<object, object>>)[
    "InvokeStream"
  ];
  const stream = (open as () => grpc.ClientDuplexStream<object, object>).call(actors);
  const ids: number[] = [];
  let status: grpc.StatusObject | undefined;
  stream.on("data", (frame: { results: { id: number }[] }) =>
    ids.push(...frame.results.map(({ id }) => id)),
  );
  stream.on("status", (end) => (status = end));
  stream.write({ calls: [{ id: 1, request: { actor, action: "add" } }] });
  await waitUntil("the first answer", () => ids.length === 1);
  stream.write({ calls: [2, 3].map((id) => ({ id, request: { actor, action: "add" } })) });
  stream.end();
  await waitUntil("the end", () => status !== undefined);
  expect([ids, status?.code]).toEqual([[1, 2, 3], grpc.status.OK]);
  actors.close();
});

test("a stream whose frame cannot be read ends with its reason", async () => {
  await using edge = await startEdge();
  const path = "/troupe.v1.ActorService/InvokeStream";
  expect(await grpcStatus(edge.url, framed(new Uint8Array([0xff])), {}, path)).toBe(3);
  expect(await grpcStatus(edge.url, framed(new Uint8Array(3), 0, 100), {}, path)).toBe(3);
  expect(await grpcStatus(edge.url, framed(new Uint8Array(), 0, 5_000_000), {}, path)).toBe(8);
  expect(await grpcStatus(edge.url, new Uint8Array(), { "grpc-timeout": "0m" }, path)).toBe(4);
  expect(await grpcStatus(edge.url, new Uint8Array(), {}, path)).toBe(0);
});

test("a caller that does not read its answers does not get to call either", async () => {
  await using edge = await startEdge({ edgeLimits: { streamCalls: 10 } });
  const actors = client("troupe.v1.ActorService", edge.port);
  const open = (actors as unknown as Record<string, () => grpc.ClientDuplexStream<object, object>>)[
    "InvokeStream"
  ];
  const stream = (open as () => grpc.ClientDuplexStream<object, object>).call(actors);
  const data = Buffer.from("900000");
  const calls = Array.from({ length: 40 }, (_, id) => ({
    id,
    request: { actor, action: "large", payload: { type: "application/json", data } },
  }));
  stream.pause();
  stream.write({ calls });
  await waitUntil("the bound is reached", () => edge.actors.invocations.length >= 10);
  const before = edge.actors.invocations.length;
  expect(before).toBeLessThan(30);
  let answers = 0;
  stream.on("data", (frame: { results: unknown[] }) => (answers += frame.results.length));
  stream.resume();
  await waitUntil("every answer", () => answers === 40);
  stream.cancel();
  stream.on("error", () => undefined);
  actors.close();
});

test("a stream ends where more is answered at once than may wait to be read, once", async () => {
  const limits = { ...DEFAULT_LIMITS, messageBytes: 10_000 };
  await using edge = await startEdge({ limits });
  const actors = client("troupe.v1.ActorService", edge.port);
  const open = (actors as unknown as Record<string, () => grpc.ClientDuplexStream<object, object>>)[
    "InvokeStream"
  ];
  const large = (count: number) => ({
    calls: Array.from({ length: count }, (_, id) => {
      const payload = { type: "application/json", data: Buffer.from("9000") };
      return { id, request: { actor, action: "large", payload } };
    }),
  });
  const flooded = (open as () => grpc.ClientDuplexStream<object, object>).call(actors);
  let failed: grpc.ServiceError | undefined;
  flooded.on("error", (error: grpc.ServiceError) => (failed = error));
  flooded.on("data", () => undefined);
  flooded.write(large(50));
  await waitUntil("the end", () => failed !== undefined);
  expect(failed).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
  expect(edge.rejected).toEqual(["InvokeStream RESULTS_UNREAD"]);
  // Once the size of the answers is known, no more calls begin than may be answered at once.
  const steady = (open as () => grpc.ClientDuplexStream<object, object>).call(actors);
  let answers = 0;
  steady.on("data", (frame: { results: unknown[] }) => (answers += frame.results.length));
  steady.write(large(1));
  await waitUntil("the first answer", () => answers === 1);
  steady.write(large(50));
  await waitUntil("every answer", () => answers === 51);
  steady.on("error", () => undefined);
  steady.cancel();
  actors.close();
});

test("RPC-143: a watch that nobody reads is held up, and holds nothing up", async () => {
  await using edge = await startEdge();
  let offered = 0;
  let taken = 0;
  const data = new Uint8Array(65_536);
  edge.actors.watch = (_caller, _actor, onState) => {
    const next = (): void => {
      offered += 1;
      const state = { type: "application/octet-stream", data };
      void onState({ state, revision: offered, tags: {} })?.then(() => {
        taken += 1;
        next();
      });
    };
    next();
    return Promise.resolve(() => undefined);
  };
  const session = connect(edge.url, { settings: { initialWindowSize: 65_535 } });
  const stream = session.request({
    ":method": "POST",
    ":path": "/troupe.v1.ActorService/Watch",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  stream.end(framed(toBinary(WatchRequestSchema, create(WatchRequestSchema, { actor }))));
  await waitUntil("the stream fills", () => taken > 0);
  for (let count = 0; count < 20; count += 1) {
    expect((await post(edge.url, "/v1/counter/k/add", undefined, "")).status).toBe(200);
  }
  expect(taken).toBeLessThan(20);
  const before = taken;
  stream.on("data", () => undefined);
  await waitUntil("it goes on when it is read", () => taken > before + 50);
  stream.destroy();
  session.destroy();
});

test("gRPC needs HTTP/2, and an unknown method is unimplemented", async () => {
  await using edge = await startEdge();
  const answer = await post(edge.url, INVOKE, "application/grpc", framed(invokeBytes()));
  expect(answer.status).toBe(505);
  expect(
    await grpcStatus(edge.url, framed(invokeBytes()), {}, "/troupe.v1.ActorService/Nope"),
  ).toBe(12);
});

test("gRPC-web as text, for browsers that cannot read bytes", async () => {
  await using edge = await startEdge();
  const type = "application/grpc-web-text";
  const answer = await post(edge.url, INVOKE, type, base64Encode(framed(invokeBytes())));
  const bytes = base64Decode(answer.body);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  expect(fromBinary(InvokeResponseSchema, bytes.subarray(5, 5 + length)).revision).toBe(1n);
  expect(new TextDecoder().decode(bytes.subarray(10 + length))).toBe("grpc-status: 0\r\n");
  const broken = await post(edge.url, INVOKE, type, "%%%%");
  expect(new TextDecoder().decode(base64Decode(broken.body))).toContain("grpc-status: 3");
});
