import { describe, expect, test } from "bun:test";
import { call } from "../../../test/support/http2-call.ts";
import type { HttpHandler } from "../../node/ports.ts";
import { RawClient, startListener, until } from "../../../test/support/listener-fixture.ts";
import { ListenerInTest } from "../../../test/support/listener-in-test.ts";

const { start, client } = new ListenerInTest();

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

  test("a field that would break the framing is not sent", async () => {
    const { url } = await start({
      request: (_request, response) =>
        response.send(
          200,
          { "x-a": "1\r\nx-b: 2", connection: "upgrade", "content-length": "9", "x-c": "3" },
          "body",
          { "x-d": "\n", "x-e": "4" },
        ),
    });
    const over1 = await fetch(url);
    const sent = ["x-a", "x-b", "connection", "content-length", "x-c"];
    expect(sent.map((name) => over1.headers.get(name))).toEqual([null, null, null, null, "3"]);
    expect(await over1.text()).toBe("body");
    const over2 = await call(client(url), "/", "");
    expect(over2.body.toString()).toBe("body");
    expect(over2.trailers["x-e"]).toBe("4");
    expect(over2.trailers["x-d"]).toBeUndefined();
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
