import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { KitServer } from "../../../test/conformance/host-kit/kit-server.ts";
import { json, valueOf } from "../../../test/conformance/host-kit/kit-actors.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import {
  type AttachRequest,
  AttachRequestSchema,
  type AttachResponse,
  HostService,
} from "../../gen/troupe/v1/host_pb.ts";
import { ATTACH_PATH } from "./attach-stream.ts";

let kit: KitServer;
beforeAll(async () => {
  kit = await KitServer.start("good");
});
afterAll(() => kit[Symbol.asyncDispose]());

const actor = { system: "default", type: "doubler", key: "k" };
const hello = { token: "good", version: 1, types: [{ type: "doubler" }], credit: 10 };

/** Answers every turn with twice its argument. */
function answerTo(frame: AttachResponse): AttachRequest {
  const results = frame.invocations.map(({ id, turns }) => ({
    id,
    outcomes: turns.map(({ turnId, payload }) => ({
      turnId,
      reply: json(2 * Number(valueOf(payload))),
    })),
  }));
  return create(AttachRequestSchema, { results, credit: results.length });
}

/** A host on a library's own stream; ends when the server ends it. Resolves with what it ended in. */
async function libraryHost(
  transport: Transport,
  first: AttachRequest,
): Promise<ConnectError | undefined> {
  const outgoing: AttachRequest[] = [first];
  let wake = (): void => undefined;
  async function* requests(): AsyncGenerator<AttachRequest> {
    for (;;) {
      const next = outgoing.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  try {
    for await (const frame of createClient(HostService, transport).attach(requests())) {
      if (frame.invocations.length === 0) continue;
      outgoing.push(answerTo(frame));
      wake();
    }
    return undefined;
  } catch (error) {
    return ConnectError.from(error);
  }
}

const attachedLink = () => waitUntil("a host attaches", () => kit.gate.attached.at(-1));

async function double(value: number): Promise<unknown> {
  const result = await kit.actors.run(actor, [kit.actors.turn(actor, "double", json(value))]);
  return valueOf(result.outcomes[0]?.reply);
}

describe.each([
  ["gRPC", createGrpcTransport],
  ["Connect", createConnectTransport],
] as const)("a host on the %s client of connect-node", (_, make) => {
  const transport = (): Transport => make({ baseUrl: kit.url, httpVersion: "2" });

  test("attaches, answers and is told why the stream ends", async () => {
    const ended = libraryHost(transport(), create(AttachRequestSchema, { hello }));
    const { link } = await attachedLink();
    expect(await Promise.all(Array.from({ length: 100 }, (_, at) => double(at)))).toEqual(
      Array.from({ length: 100 }, (_, at) => 2 * at),
    );
    link.close("the node is going");
    const error = await ended;
    expect([error?.code, error?.rawMessage]).toEqual([Code.Unavailable, "the node is going"]);
  });

  test("is refused with a code and a message", async () => {
    const wrong = await libraryHost(
      transport(),
      create(AttachRequestSchema, { hello: { ...hello, token: "bad" } }),
    );
    expect(wrong?.code).toBe(Code.Unauthenticated);
    const old = await libraryHost(
      transport(),
      create(AttachRequestSchema, { hello: { ...hello, version: 99 } }),
    );
    expect([old?.code, old?.rawMessage]).toEqual([
      Code.FailedPrecondition,
      "the host speaks wire version 99; this server speaks 1 to 1",
    ]);
  });
});

test("a host on grpc-js attaches and answers", async () => {
  const root = new URL("../../../proto", import.meta.url).pathname;
  const definition = loadSync("troupe/v1/host.proto", { includeDirs: [root], longs: Number });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    troupe: { v1: { HostService: grpc.ServiceClientConstructor } };
  };
  const client = new loaded.troupe.v1.HostService(
    kit.url.replace("http://", ""),
    grpc.credentials.createInsecure(),
  );
  const attach = client["attach"] as
    | (() => grpc.ClientDuplexStream<object, AttachResponse>)
    | undefined;
  if (attach === undefined) throw new Error("the service has no attach");
  const stream = attach.call(client);
  const status = new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
  stream.on("error", () => undefined);
  stream.on("data", ({ invocations = [] }: Partial<AttachResponse>) => {
    const results = invocations.map(({ id, turns }) => ({
      id,
      outcomes: turns.map(({ turnId, payload }) => ({
        turnId,
        reply: json(2 * Number(valueOf(payload))),
      })),
    }));
    if (results.length > 0) stream.write({ results, credit: results.length });
  });
  stream.write({ hello });
  const { link } = await attachedLink();
  expect(await double(21)).toBe(42);
  stream.end();
  expect((await status).code).toBe(grpc.status.OK);
  await waitUntil(
    "the link is lost",
    () => !kit.gate.attached.some((record) => record.link === link),
  );
  client.close();
});

/** One raw HTTP/2 request with the given bytes; its status, headers and trailers. */
async function raw(
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<Record<string, string>> {
  const session = connect(kit.url);
  try {
    const stream = session.request({ ":method": "POST", ":path": ATTACH_PATH, ...headers });
    const seen: Record<string, string> = {};
    const collect = (found: object): void => void Object.assign(seen, found);
    stream.on("response", collect);
    stream.on("trailers", collect);
    stream.resume();
    stream.end(body);
    await new Promise<void>((resolve, reject) => {
      stream.on("close", resolve);
      stream.on("error", reject);
    });
    return seen;
  } finally {
    session.close();
  }
}

describe("a stream that is no stream of ours", () => {
  const message = toBinary(AttachRequestSchema, create(AttachRequestSchema, { hello }));
  const framed = (flags: number, bytes: Uint8Array): Uint8Array => {
    const frame = new Uint8Array(5 + bytes.length);
    frame[0] = flags;
    new DataView(frame.buffer).setUint32(1, bytes.length);
    frame.set(bytes, 5);
    return frame;
  };
  const grpcType = { "content-type": "application/grpc", te: "trailers" };

  test("of another content type is refused", async () => {
    expect(Number((await raw({ "content-type": "text/plain" }, message))[":status"])).toBe(415);
    expect(
      Number((await raw({ "content-type": "application/grpc-web" }, message))[":status"]),
    ).toBe(415);
  });

  test("with an unknown compression is unimplemented", async () => {
    expect(
      (await raw({ ...grpcType, "grpc-encoding": "snappy" }, framed(1, message)))["grpc-status"],
    ).toBe("12");
  });

  test("with a compressed or an unknown flag is refused", async () => {
    expect((await raw(grpcType, framed(1, message)))["grpc-status"]).toBe("3");
    expect((await raw(grpcType, framed(0x40, message)))["grpc-status"]).toBe("3");
  });

  test("with a frame above the limit is refused before it is read", async () => {
    const huge = new Uint8Array([0, 0x7f, 0xff, 0xff, 0xff]);
    expect((await raw(grpcType, huge))["grpc-status"]).toBe("8");
  });

  test("that ends within a frame is refused", async () => {
    expect((await raw(grpcType, new Uint8Array([0, 0, 0, 0, 9, 1])))["grpc-status"]).toBe("3");
  });

  test("whose host does not end its side is cut off", async () => {
    const session = connect(kit.url);
    const stream = session.request({ ":method": "POST", ":path": ATTACH_PATH, ...grpcType });
    const seen: string[] = [];
    stream.on("trailers", (trailers) => seen.push(String(trailers["grpc-status"])));
    stream.on("error", () => undefined);
    stream.on("close", () => seen.push("closed"));
    stream.resume();
    stream.write(framed(0, message));
    const { link } = await attachedLink();
    link.close("the node is going");
    await waitUntil("the stream is closed", () => seen.includes("closed"));
    expect(seen).toEqual(["14", "closed"]);
    session.close();
  });

  test("over HTTP/1.1 is told what it needs", async () => {
    const answer = await fetch(kit.url + ATTACH_PATH, {
      method: "POST",
      headers: { "content-type": "application/grpc" },
      body: message,
    });
    expect(answer.status).toBe(505);
  });
});
