import { describe, expect, test } from "bun:test";
import { call } from "../../../test/support/http2-call.ts";
import type { HttpHandler, HttpRequest } from "../../node/ports.ts";
import {
  END_HEADERS,
  frame,
  frameTypes,
  postBlock,
  RawClient,
  RawHttp2Client,
  uint32,
  until,
} from "../../../test/support/listener-fixture.ts";
import { ListenerInTest } from "../../../test/support/listener-in-test.ts";

const { start, client, leave } = new ListenerInTest();

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
      leave();
      await listener.close();
    }
  });

  test("a reader that does not read makes the sender wait, on both protocols", async () => {
    const release: (() => void)[] = [];
    const { url, listener } = await start({
      request(request, response) {
        if (request.target === "/read") {
          request.readBody(64 * 1024 * 1024, () => response.send(200, {}, "read"));
          return;
        }
        const readLate = async (): Promise<void> => {
          await new Promise<void>((resolve) => release.push(resolve));
          let bytes = 0;
          for await (const chunk of request.body()) bytes += chunk.length;
          response.send(200, {}, String(bytes));
        };
        void readLate();
      },
    });
    const total = 32 * 1024 * 1024;
    const stream = client(url).request({ ":method": "POST", ":path": "/" });
    let answer = "";
    stream.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
    });
    stream.end(Buffer.alloc(total));
    const raw = new RawClient(listener.port);
    raw.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${total}\r\n\r\n`);
    raw.write(Buffer.alloc(total));
    const piped = new RawClient(listener.port);
    piped.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    piped.write("GET /read HTTP/1.1\r\nhost: a\r\n\r\n".repeat(500_000));
    await until(() => release.length === 3);
    // While a neighbour sends several times as much to a reader, the three that have none get no further.
    for (let i = 0; i < 4; i++) {
      const read = await fetch(`${url}/read`, { method: "POST", body: Buffer.alloc(total) });
      expect(await read.text()).toBe("read");
    }
    expect(stream.writableFinished).toBe(false);
    expect(raw.socket.writableLength).toBeGreaterThan(0);
    expect(piped.socket.writableLength).toBeGreaterThan(0);
    piped.socket.destroy();
    for (const one of release) one();
    await until(() => answer === String(total) && raw.text.endsWith(String(total)));
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
    leave();
    await until(() => failure instanceof Error);
  });

  test("an answer to a client that is gone is harmless", async () => {
    let answer: (() => void) | undefined;
    let aborted = false;
    const { url, listener } = await start({
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
    // The process, and the connection of the next request, are still there.
    const raw = new RawClient(Number(url.split(":")[2])).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    aborted = false;
    await until(() => listener.connections === 2);
    raw.socket.destroy();
    await until(() => aborted);
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
