import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { HttpRequest, HttpResponse } from "../../node/ports.ts";
import { type Fixture, startListener, until } from "../../../test/support/listener-fixture.ts";

const headers = { "content-type": "application/grpc" };
const ok = { "grpc-status": "0" };
const bytes = (value: Buffer): Buffer => value;

let fixture: Fixture;
let client: Client;
let aborted = 0;

/** A gRPC frame: no compression, the length, the message. */
function framed(text: string): Buffer {
  const frame = Buffer.alloc(5 + Buffer.byteLength(text));
  frame.writeUInt32BE(frame.length - 5, 1);
  frame.write(text, 5);
  return frame;
}

async function streamBack(request: HttpRequest, response: HttpResponse): Promise<void> {
  response.start(200, headers);
  for await (const chunk of request.body()) await response.write(chunk);
  response.end(ok);
}

beforeAll(async () => {
  fixture = await startListener({
    request(request, response) {
      request.onAborted(() => {
        aborted += 1;
      });
      if (request.target === "/test/unary") {
        request.readBody(8 * 1024 * 1024, (failure, body) => {
          if (failure === undefined) response.send(200, headers, body, ok);
        });
      } else if (request.target === "/test/refused") {
        response.send(200, headers, "", { "grpc-status": "7", "grpc-message": "not you" });
      } else if (request.target === "/test/many") {
        response.start(200, headers);
        for (let i = 0; i < 1000; i++) void response.write(framed(`message ${i}`));
        response.end(ok);
      } else if (request.target === "/test/bidi") {
        streamBack(request, response).catch(() => response.reset());
      } else if (request.target === "/test/open") {
        response.start(200, headers);
        void response.write(framed("never ended"));
      }
      // "/test/never" is not answered.
    },
  });
  client = new Client(`127.0.0.1:${fixture.listener.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await fixture.listener.close();
});

function unary(path: string, message: Buffer, deadlineMs = 10_000): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + deadlineMs;
    client.makeUnaryRequest(path, bytes, bytes, message, { deadline }, (error, value) =>
      error === null ? resolve(value ?? Buffer.alloc(0)) : reject(error),
    );
  });
}

describe("@grpc/grpc-js", () => {
  test("unary calls, small, empty and large, one and 500 at a time", async () => {
    for (const message of [Buffer.from("hello"), Buffer.alloc(0), Buffer.alloc(3_000_000, "abc")]) {
      expect(message.equals(await unary("/test/unary", message))).toBe(true);
    }
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => unary("/test/unary", Buffer.from(`call ${i}`))),
    );
    expect(answers.map(String)).toEqual(Array.from({ length: 500 }, (_, i) => `call ${i}`));
  });

  test("a status without a message body", async () => {
    const error = (await unary("/test/refused", Buffer.from("x")).catch(
      (e: unknown) => e,
    )) as ServiceError;
    expect([error.code, error.details]).toEqual([status.PERMISSION_DENIED, "not you"]);
  });

  test("a server stream", async () => {
    const call = client.makeServerStreamRequest("/test/many", bytes, bytes, Buffer.from("x"));
    const received: string[] = [];
    for await (const message of call) received.push(String(message));
    expect(received.length).toBe(1000);
    expect(received[999]).toBe("message 999");
  });

  test("a bidi stream, each message after the answer to the one before", async () => {
    const call = client.makeBidiStreamRequest("/test/bidi", bytes, bytes);
    const received: string[] = [];
    let code: number | undefined;
    call.on("data", (message: Buffer) => received.push(String(message)));
    call.on("status", (end) => {
      code = end.code;
    });
    for (let i = 0; i < 50; i++) {
      call.write(Buffer.from(`message ${i}`));
      await until(() => received.length === i + 1);
    }
    call.end();
    await until(() => code !== undefined);
    expect(code).toBe(status.OK);
  });

  test("a deadline and a cancel reach the server", async () => {
    aborted = 0;
    const late = (await unary("/test/never", Buffer.from("x"), 50).catch(
      (e: unknown) => e,
    )) as ServiceError;
    expect(late.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => aborted === 1);
    const call = client.makeBidiStreamRequest("/test/open", bytes, bytes);
    let code: number | undefined;
    call.on("error", (error: ServiceError) => {
      code = error.code;
    });
    call.on("data", () => call.cancel());
    call.write(Buffer.from("x"));
    await until(() => code === status.CANCELLED && aborted === 2);
  });
});
