import { afterEach, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect } from "node:http2";
import type { HttpHandler, HttpRequest } from "../../node/ports.ts";
import {
  END_HEADERS,
  type Fixture,
  frame,
  frameTypes,
  postBlock,
  RawClient,
  RawHttp2Client,
  startListener,
  uint32,
  until,
} from "./listener-fixture.ts";

let fixture: Fixture | undefined;
let session: ClientHttp2Session | undefined;

async function start(handler: Partial<HttpHandler> = {}, limits = {}): Promise<Fixture> {
  fixture = await startListener(handler, limits);
  return fixture;
}

afterEach(async () => {
  session?.destroy();
  session = undefined;
  await fixture?.listener.close();
  fixture = undefined;
});

interface Http2Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
}

function client(url: string): ClientHttp2Session {
  session = connect(url);
  session.on("error", () => {});
  return session;
}

function call(
  on: ClientHttp2Session,
  path: string,
  body: Uint8Array | string,
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = on.request({ ":method": "POST", ":path": path });
    const chunks: Buffer[] = [];
    let status = 0;
    let trailers = {};
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("trailers", (received) => {
      trailers = { ...received };
    });
    stream.on("error", reject);
    stream.on("end", () => resolve({ status, body: Buffer.concat(chunks), trailers }));
    stream.end(body);
  });
}

describe("one port", () => {
  test("serves HTTP/1.1 and HTTP/2 and tells them apart", async () => {
    const { url } = await start({
      request(request, response) {
        const seen = `${request.httpVersion} ${request.method} ${request.target} ${request.remoteAddress} ${request.secure}`;
        response.send(200, { "content-type": "text/plain" }, seen);
      },
    });
    const over1 = await fetch(`${url}/a?b=c`);
    expect(await over1.text()).toBe("1 GET /a?b=c 127.0.0.1 false");
    expect(over1.headers.get("content-type")).toBe("text/plain");
    expect(over1.headers.get("date")).not.toBeNull();
    const over2 = await call(client(url), "/a?b=c", "");
    expect(over2.body.toString()).toBe("2 POST /a?b=c 127.0.0.1 false");
  });

  test.each([0, 1, 65_536, 4 * 1024 * 1024])("echoes %d bytes both ways", async (bytes) => {
    const { url } = await start();
    const body = Buffer.alloc(bytes, "x1y2z3");
    const over1 = await fetch(url, { method: "POST", body });
    expect(Buffer.from(await over1.arrayBuffer()).equals(body)).toBe(true);
    const over2 = await call(client(url), "/", body);
    expect(over2.status).toBe(200);
    expect(over2.body.equals(body)).toBe(true);
  });

  test("a body above the limit is refused on both, the connection of HTTP/2 lives on", async () => {
    const { url } = await start({
      request(request, response) {
        request.readBody(10, (failure, body) => response.send(200, {}, failure ?? body));
      },
    });
    const over1 = await fetch(url, { method: "POST", body: "eleven bytes" });
    expect(await over1.text()).toBe("too_large");
    const session = client(url);
    expect((await call(session, "/", "eleven bytes")).body.toString()).toBe("too_large");
    expect((await call(session, "/", Buffer.alloc(300_000))).body.toString()).toBe("too_large");
    expect((await call(session, "/", "ten  bytes")).body.toString()).toBe("ten  bytes");
  });

  test("gives the fields of a request by name and in all", async () => {
    const { url } = await start({
      request(request, response) {
        const all = new Map(request.headers());
        response.send(
          200,
          {},
          [
            request.header("x-a"),
            request.header("none"),
            all.get("x-a"),
            request.header("host") === all.get("host"),
            request.header("host"),
          ].join("|"),
        );
      },
    });
    const host = url.slice(7);
    const over1 = await fetch(url, { headers: { "X-A": "1" } });
    expect(await over1.text()).toBe(`1||1|true|${host}`);
    const stream = client(url).request({ ":path": "/", "x-a": "1" });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(`1||1|true|${host}`);
  });

  test("a repeated field is joined", async () => {
    const { listener } = await start({
      request: (request, response) => response.send(200, {}, request.header("x-a") ?? ""),
    });
    const raw = new RawClient(listener.port).write(
      "GET / HTTP/1.1\r\nhost: a\r\nX-A: 1\r\nx-a: 2\r\nconnection: close\r\n\r\n",
    );
    await until(() => raw.closed);
    expect(raw.text.endsWith("1, 2")).toBe(true);
  });

  test("a handler that throws is answered with 500 and counted", async () => {
    const { url, rejected } = await start({
      request() {
        throw new Error("a bug");
      },
    });
    expect((await fetch(url)).status).toBe(500);
    expect((await call(client(url), "/", "")).status).toBe(500);
    expect(rejected).toEqual(["handler_threw", "handler_threw"]);
  });

  test("a value that would end its line is not sent", async () => {
    const { url } = await start({
      request: (_request, response) => response.send(200, { "x-a": "1\r\nx-b: 2" }, ""),
    });
    const { headers } = await fetch(url);
    expect(headers.get("x-a")).toBeNull();
    expect(headers.get("x-b")).toBeNull();
  });

  test("HEAD and 204 have no body", async () => {
    const { listener } = await start({
      request: (request, response) =>
        response.send(request.target === "/none" ? 204 : 200, {}, "body"),
    });
    const raw = new RawClient(listener.port).write(
      "HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET /none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    await until(() => raw.closed);
    expect(raw.statuses).toEqual(["200", "204"]);
    expect(raw.text).not.toContain("body");
    expect(raw.text).toContain("content-length: 4");
  });
});

describe("trailers", () => {
  const handler: Partial<HttpHandler> = {
    request(request, response) {
      if (request.target === "/whole") {
        response.send(200, {}, "body", { "grpc-status": "0" });
      } else if (request.target === "/only") {
        response.send(200, {}, "", { "grpc-status": "5" });
      } else {
        response.start(200, {});
        void response.write(Buffer.from("body"));
        response.end({ "grpc-status": "0" });
      }
    },
  };

  test("follow the body on HTTP/2", async () => {
    const { url } = await start(handler);
    const on = client(url);
    for (const path of ["/whole", "/streamed"]) {
      const answer = await call(on, path, "x");
      expect(answer.body.toString()).toBe("body");
      expect(answer.trailers["grpc-status"]).toBe("0");
    }
    expect((await call(on, "/only", "x")).trailers["grpc-status"]).toBe("5");
  });

  test("follow the last chunk on HTTP/1.1", async () => {
    const { listener } = await start(handler);
    const raw = new RawClient(listener.port).write(
      "GET /whole HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    await until(() => raw.closed);
    const ending = "4\r\nbody\r\n0\r\ngrpc-status: 0\r\n\r\n";
    expect(raw.text.split(ending).length).toBe(3);
  });
});

describe("streaming", () => {
  async function pump(
    request: HttpRequest,
    write: (c: Uint8Array) => Promise<void> | undefined,
  ): Promise<void> {
    for await (const chunk of request.body()) await write(chunk);
  }
  const echoStream: Partial<HttpHandler> = {
    request(request, response) {
      response.start(200, {});
      pump(request, (chunk) => response.write(chunk)).then(
        () => response.end({ done: "yes" }),
        () => response.reset(),
      );
    },
  };

  test("a bidi stream answers each part before the next is sent, then half-closes", async () => {
    const { url } = await start(echoStream);
    const stream = client(url).request({ ":method": "POST", ":path": "/" });
    let received = "";
    let trailers: unknown;
    stream.on("data", (chunk: Buffer) => {
      received += chunk.toString();
    });
    stream.on("trailers", (headers) => {
      trailers = headers["done"];
    });
    for (let i = 0; i < 20; i++) {
      stream.write(`part ${i};`);
      await until(() => received.endsWith(`part ${i};`));
    }
    stream.end();
    await until(() => trailers === "yes");
  });

  test("16 MiB stream through on both protocols, also to a late reader", async () => {
    const { url } = await start(echoStream);
    const body = Buffer.alloc(16 * 1024 * 1024, "abcdefghijklmnop!");
    const over2 = await call(client(url), "/", body);
    expect(over2.body.equals(body)).toBe(true);
    const over1 = await fetch(url, { method: "POST", body });
    expect(Buffer.from(await over1.arrayBuffer()).equals(body)).toBe(true);
  });

  test("a writer is told to wait for a client that does not read, and is let go when it leaves", async () => {
    for (const version of [1, 2]) {
      let written = 0;
      let waits = 0;
      let released = 0;
      let aborted = 0;
      const { url, listener } = await start({
        request(request, response) {
          request.onAborted(() => {
            aborted += 1;
          });
          response.start(200, {});
          const chunk = Buffer.alloc(16 * 1024);
          const pour = async (): Promise<void> => {
            while (!response.closed) {
              written += chunk.length;
              const room = response.write(chunk);
              if (room === undefined) continue;
              waits += 1;
              await room;
              released += 1;
            }
          };
          void pour();
        },
      });
      let leave: () => void;
      if (version === 1) {
        const raw = new RawClient(listener.port, false).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        leave = () => raw.socket.destroy();
      } else {
        const on = client(url);
        const stream = on.request({ ":path": "/" });
        stream.on("error", () => {});
        stream.on("response", () => stream.pause());
        leave = () => stream.close(8);
      }
      let seen = -1;
      // Steady: nothing more is written for a while, because the writer waits.
      await until(() => {
        const steady = waits > released && seen === written;
        seen = written;
        return steady;
      });
      expect(written).toBeLessThan(32 * 1024 * 1024);
      leave();
      await until(() => aborted === 1 && released === waits);
      session?.destroy();
      await listener.close();
    }
  });

  test("a reader that does not read makes the sender wait", async () => {
    let release: (() => void) | undefined;
    const { url } = await start({
      request(request, response) {
        void (async () => {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          let bytes = 0;
          for await (const chunk of request.body()) bytes += chunk.length;
          response.send(200, {}, String(bytes));
        })();
      },
    });
    const total = 8 * 1024 * 1024;
    const stream = client(url).request({ ":method": "POST", ":path": "/" });
    let answer = "";
    stream.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
    });
    stream.end(Buffer.alloc(total));
    await until(() => release !== undefined);
    expect(stream.writableFinished).toBe(false);
    release?.();
    await until(() => answer === String(total));
  });
});

describe("a client that leaves", () => {
  test("aborts the request and the body on both protocols", async () => {
    const seen: string[] = [];
    let begun = 0;
    const { listener } = await start({
      request(request, response) {
        begun += 1;
        request.onAborted(() => seen.push(`aborted ${request.httpVersion} ${response.closed}`));
        request.readBody(100, (failure) => seen.push(`body ${request.httpVersion} ${failure}`));
      },
    });
    const raw = new RawClient(listener.port).write(
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nabc",
    );
    const raw2 = new RawHttp2Client(listener.port)
      .write(frame(frameTypes.headers, END_HEADERS, 1, postBlock))
      .write(frame(frameTypes.data, 0, 1, Buffer.from("abc")));
    await until(() => begun === 2);
    raw.socket.destroy();
    raw2.write(frame(frameTypes.reset, 0, 1, uint32(8)));
    await until(() => seen.length === 4);
    expect(seen.toSorted()).toEqual([
      "aborted 1 true",
      "aborted 2 true",
      "body 1 aborted",
      "body 2 aborted",
    ]);
  });

  test("ends an iteration over the body with an error", async () => {
    let failure: unknown;
    let begun = false;
    const { url } = await start({
      request(request) {
        begun = true;
        void (async () => {
          for await (const _ of request.body());
        })().catch((error: unknown) => {
          failure = error;
        });
      },
    });
    const stream = client(url).request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => {});
    stream.write("abc");
    await until(() => begun);
    session?.destroy();
    await until(() => failure instanceof Error);
  });

  test("an answer to a client that is gone is harmless", async () => {
    let answer: (() => void) | undefined;
    let aborted = false;
    const { url } = await start({
      request(request, response) {
        request.onAborted(() => {
          aborted = true;
        });
        answer = () => {
          response.send(200, {}, "late", { "grpc-status": "0" });
          response.start(200, {});
          expect(response.write(Buffer.from("x"))).toBeUndefined();
          response.end({ a: "b" });
          response.reset();
        };
      },
    });
    const stream = client(url).request({ ":path": "/" });
    stream.on("error", () => {});
    await until(() => answer !== undefined);
    stream.close(8);
    await until(() => aborted);
    answer?.();
    expect(
      await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined),
    ).toBeUndefined();
  });

  test("reset ends the stream, or the connection of HTTP/1.1", async () => {
    const { url, listener } = await start({
      request(_request, response) {
        response.start(200, {});
        response.reset();
      },
    });
    const failure = await call(client(url), "/", "").then(
      (answer) => answer.body.length,
      (error: Error) => error.message,
    );
    expect(failure === 0 || typeof failure === "string").toBe(true);
    const raw = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => raw.closed);
    expect(raw.text.includes("0\r\n\r\n")).toBe(false);
  });
});

describe("drain and close", () => {
  test("running requests go on, idle connections end, nothing new is served there", async () => {
    const finish: (() => void)[] = [];
    const { url, listener } = await start({
      request(_request, response) {
        finish.push(() => response.send(200, {}, "finished"));
      },
    });
    const idle = new RawClient(listener.port);
    const on = client(url);
    const running2 = call(on, "/", "x");
    const running1 = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => finish.length === 2 && listener.connections === 3);
    let goaways = 0;
    on.on("goaway", (code) => {
      expect(code).toBe(0);
      goaways += 1;
    });
    listener.drain();
    await until(() => idle.closed && goaways > 0);
    for (const one of finish) one();
    expect((await running2).body.toString()).toBe("finished");
    await until(() => running1.closed);
    expect(running1.text).toContain("connection: close");
    expect(running1.text.endsWith("finished")).toBe(true);
    await until(() => listener.connections === 0);
  });

  test("close ends connections in every state and frees the port", async () => {
    const { url, listener } = await start({ request() {} });
    const silent = new RawClient(listener.port);
    const half = new RawClient(listener.port).write("GET / HT");
    const running = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const stream = client(url).request({ ":path": "/" });
    let streamClosed = false;
    stream.on("error", () => {});
    stream.on("close", () => {
      streamClosed = true;
    });
    await until(() => listener.connections === 4);
    await listener.close();
    await until(() => silent.closed && half.closed && running.closed && streamClosed);
    expect(listener.connections).toBe(0);
    const refused = await fetch(url).then(
      () => "served",
      () => "refused",
    );
    expect(refused).toBe("refused");
  });

  test("a port that is taken is refused with its errno", async () => {
    const { listener } = await start();
    const second = startListener({}, {}, { port: listener.port });
    expect(await second.catch((error: NodeJS.ErrnoException) => error.code)).toBe("EADDRINUSE");
  });
});
