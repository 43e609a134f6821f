import { afterEach, describe, expect, test } from "bun:test";
import { WebSocket as WsClient } from "ws";
import type { HttpHandler, ListenerLimits, WebSocketLink } from "../../node/ports.ts";
import {
  type Fixture,
  RawClient,
  startListener,
  until,
} from "../../../test/support/listener-fixture.ts";

let fixture: Fixture;

afterEach(() => fixture.listener.close());

const handshake =
  "GET /link HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function echoing(seen: string[] = []): Partial<HttpHandler> {
  return {
    upgrade(request) {
      if (request.target !== "/link") return { kind: "refuse", status: 404, message: "no link" };
      const protocol = (request.header("sec-websocket-protocol") ?? "").split(",")[0] ?? "";
      return {
        kind: "accept",
        protocol,
        accept(link) {
          link.onMessage((frame) => link.send(frame));
          link.onClose((code, reason) => seen.push(`${code} ${reason}`));
        },
      };
    },
  };
}

async function start(
  handler: Partial<HttpHandler>,
  limits: Partial<ListenerLimits> = {},
): Promise<string> {
  fixture = await startListener(handler, limits);
  return `ws://127.0.0.1:${fixture.listener.port}/link`;
}

function masked(opcode: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126
      ? [0x80 | payload.length]
      : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), payload]);
}

test("text and binary frames come back as they were, with the chosen subprotocol", async () => {
  const closes: string[] = [];
  const url = await start(echoing(closes));
  const client = new WsClient(url, ["troupe.v1", "other"]);
  const received: (string | Buffer)[] = [];
  client.on("message", (data: Buffer, binary: boolean) =>
    received.push(binary ? data : data.toString()),
  );
  await until(() => client.readyState === client.OPEN);
  expect(client.protocol).toBe("troupe.v1");
  const large = Buffer.alloc(1_000_000, "abc");
  client.send("text: ü");
  client.send(large);
  await until(() => received.length === 2);
  expect(received[0]).toBe("text: ü");
  expect(large.equals(received[1] as Buffer)).toBe(true);
  client.close(4001, "bye");
  await until(() => closes.length === 1 && fixture.listener.connections === 0);
  expect(closes).toEqual(["4001 bye"]);
});

test("a frame that comes with the handshake is not lost", async () => {
  await start(echoing());
  const raw = new RawClient(fixture.listener.port);
  raw.write(Buffer.concat([Buffer.from(`${handshake}\r\n`), masked(2, Buffer.from("early"))]));
  await until(() => raw.text.endsWith("\x82\x05early"));
  raw.socket.destroy();
});

test("a refusal is answered as a request, and the connection serves on", async () => {
  await start(echoing());
  const raw = new RawClient(fixture.listener.port);
  raw.write(`${handshake.replace("/link", "/other")}\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n`);
  await until(() => raw.statuses.length === 2);
  expect(raw.statuses).toEqual(["404", "200"]);
  expect(raw.text).toContain("no link");
});

test("a decision that throws is answered with 500", async () => {
  await start({
    upgrade() {
      throw new Error("a bug");
    },
  });
  const raw = new RawClient(fixture.listener.port).write(`${handshake}\r\n`);
  await until(() => raw.statuses[0] === "500");
  expect(fixture.rejected).toEqual(["handler_threw"]);
  raw.socket.destroy();
});

test("a handshake without a key is refused", async () => {
  await start(echoing());
  const raw = new RawClient(fixture.listener.port);
  raw.write(`${handshake.replace(/sec-websocket-key.*\r\n/, "")}\r\n`);
  await until(() => raw.closed);
  expect(raw.statuses).toEqual(["400"]);
});

test("a client that vanishes closes its link once", async () => {
  const closes: string[] = [];
  await start(echoing(closes));
  const raw = new RawClient(fixture.listener.port).write(`${handshake}\r\n`);
  await until(() => raw.statuses[0] === "101");
  raw.socket.destroy();
  await until(() => closes.length === 1 && fixture.listener.connections === 0);
  expect(closes).toEqual(["1006 "]);
});

describe("hostile frames end the link", () => {
  test.each([
    ["unmasked", Buffer.from([0x82, 0x01, 0x61])],
    ["a reserved bit", Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
    ["an unknown opcode", masked(3, Buffer.alloc(0))],
    ["text that is not UTF-8", masked(1, Buffer.from([0xff]))],
    ["larger than the limit", Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0])],
    ["a continuation of nothing", masked(0, Buffer.from("a"))],
  ])("%s", async (_name, bytes) => {
    const closes: string[] = [];
    await start(echoing(closes));
    const raw = new RawClient(fixture.listener.port).write(`${handshake}\r\n`);
    await until(() => raw.statuses[0] === "101");
    raw.write(bytes);
    await until(() => raw.closed && closes.length === 1);
    expect(fixture.rejected).toEqual(["websocket_malformed"]);
  });
});

describe("a peer that does not read", () => {
  async function flood(
    limits: Partial<ListenerLimits>,
  ): Promise<{ link: WebSocketLink; raw: RawClient; drains: () => number }> {
    let link: WebSocketLink | undefined;
    let drained = 0;
    await start(
      {
        upgrade: () => ({
          kind: "accept",
          protocol: "",
          accept(accepted) {
            link = accepted;
            accepted.onDrain(() => {
              drained += 1;
            });
          },
        }),
      },
      limits,
    );
    const raw = new RawClient(fixture.listener.port, false).write(`${handshake}\r\n`);
    await until(() => link !== undefined);
    return { link: link as unknown as WebSocketLink, raw, drains: () => drained };
  }

  test("is seen in bufferedBytes, and a drain is told once it reads", async () => {
    const { link, raw, drains } = await flood({});
    while (link.bufferedBytes < 4 * 1024 * 1024) link.send(Buffer.alloc(256 * 1024));
    expect(drains()).toBe(0);
    raw.socket.on("data", () => {});
    raw.socket.resume();
    await until(() => drains() === 1);
    expect(link.bufferedBytes).toBeLessThan(1024 * 1024 + 1);
    raw.socket.destroy();
  });

  test("is cut off when too much waits", async () => {
    const { link, raw } = await flood({ maxMessageBytes: 1024 * 1024 });
    let sent = 0;
    while (fixture.rejected.length === 0 && sent++ < 200) link.send(Buffer.alloc(1024 * 1024));
    expect(fixture.rejected).toEqual(["write_stall"]);
    await until(() => fixture.listener.connections === 0);
    raw.socket.destroy();
  });

  test("is cut off when nothing moves", async () => {
    const { link, raw } = await flood({ writeStallMs: 60 });
    while (link.bufferedBytes < 2 * 1024 * 1024) link.send(Buffer.alloc(256 * 1024));
    await until(() => fixture.listener.connections === 0);
    expect(fixture.rejected).toEqual(["write_stall"]);
    raw.socket.destroy();
  });
});

test("a silent peer is asked for a sign of life, and one that gives none is ended", async () => {
  await start(echoing(), { idleTimeoutMs: 80 });
  const raw = new RawClient(fixture.listener.port).write(`${handshake}\r\n`);
  await until(() => raw.closed);
  expect(raw.received.indexOf(Buffer.from([0x89, 0x00]))).toBeGreaterThan(0);
});

test("a listener that closes ends its links", async () => {
  const closes: string[] = [];
  const url = await start(echoing(closes));
  const client = new WsClient(url);
  let ended = false;
  client.on("close", () => {
    ended = true;
  });
  await until(() => client.readyState === client.OPEN);
  await fixture.listener.close();
  await until(() => ended && closes.length === 1);
});
