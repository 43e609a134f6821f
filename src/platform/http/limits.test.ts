import { afterEach, describe, expect, test } from "bun:test";
import {
  END_HEADERS,
  END_STREAM,
  type Fixture,
  frame,
  frameTypes,
  postBlock,
  RawClient,
  RawHttp2Client,
  startListener,
  until,
} from "../../../test/support/listener-fixture.ts";

let fixture: Fixture;

afterEach(() => fixture.listener.close());

describe("connection caps", () => {
  test("in all: the one too many is ended and counted, a place that is freed is given again", async () => {
    fixture = await startListener({}, { maxConnections: 2 });
    const { listener, rejected } = fixture;
    const first = new RawClient(listener.port);
    const second = new RawClient(listener.port);
    await until(() => listener.connections === 2);
    const third = new RawClient(listener.port);
    await until(() => third.closed);
    expect(rejected).toEqual(["conn_cap"]);
    expect(first.closed || second.closed).toBe(false);
    first.socket.destroy();
    await until(() => listener.connections === 1);
    const fourth = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => fourth.statuses.length === 1);
  });

  test("by address", async () => {
    fixture = await startListener({}, { maxConnectionsPerAddress: 1 });
    const { listener, rejected } = fixture;
    const first = new RawClient(listener.port);
    await until(() => listener.connections === 1);
    const second = new RawClient(listener.port);
    await until(() => second.closed);
    expect(rejected).toEqual(["conn_cap"]);
    expect(first.closed).toBe(false);
  });
});

describe("time limits", () => {
  test("a head that never ends is answered with 408", async () => {
    fixture = await startListener({}, { headerTimeoutMs: 60 });
    const raw = new RawClient(fixture.listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n");
    await until(() => raw.closed);
    expect(raw.statuses).toEqual(["408"]);
    expect(fixture.rejected).toEqual(["header_timeout"]);
  });

  test("a preface that never ends is closed", async () => {
    fixture = await startListener({}, { headerTimeoutMs: 60 });
    const raw = new RawClient(fixture.listener.port).write("PRI * HTT");
    await until(() => raw.closed);
    expect(fixture.rejected).toEqual(["header_timeout"]);
  });

  test("dripping does not extend the time of a head", async () => {
    fixture = await startListener({}, { headerTimeoutMs: 60 });
    const raw = new RawClient(fixture.listener.port).write("GET / HTTP/1.1\r\nhost: a\r\nx: ");
    await until(() => {
      if (!raw.closed) raw.write("a");
      return raw.closed;
    });
    expect(fixture.rejected).toContain("header_timeout");
  });

  test("a body that does not come is given up on both protocols", async () => {
    fixture = await startListener({}, { bodyTimeoutMs: 60 });
    const { listener, rejected } = fixture;
    const one = new RawClient(listener.port).write(
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nabc",
    );
    const two = new RawHttp2Client(listener.port).write(
      frame(frameTypes.headers, END_HEADERS, 1, postBlock),
    );
    await until(() => one.closed && two.count(frameTypes.headers) === 1);
    expect(one.statuses).toEqual(["408"]);
    expect(rejected.filter((reason) => reason === "body_timeout").length).toBe(2);
  });

  test("an idle connection ends: before a request, after one, and on HTTP/2 with GOAWAY(NO_ERROR)", async () => {
    fixture = await startListener({}, { idleTimeoutMs: 60, headerTimeoutMs: 60 });
    const { listener } = fixture;
    const silent = new RawClient(listener.port);
    const served = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const two = new RawHttp2Client(listener.port).write(
      frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, postBlock),
    );
    await until(() => silent.closed && served.closed && two.closed);
    expect(served.statuses).toEqual(["200"]);
    expect(two.count(frameTypes.headers)).toBe(1);
    const goaways = [...two.frames()].filter((one) => one.type === frameTypes.goaway);
    // First a warning that refuses nothing, then the last stream that was served.
    expect(goaways.map((one) => one.payload.readUInt32BE())).toEqual([2 ** 31 - 1, 1]);
    expect(goaways.map((one) => one.payload.readUInt32BE(4))).toEqual([0, 0]);
  });

  test("a running request keeps its connection beyond the idle limit", async () => {
    let finish: (() => void) | undefined;
    fixture = await startListener(
      { request: (_request, response) => (finish = () => response.send(200, {}, "late")) },
      { idleTimeoutMs: 40, headerTimeoutMs: 40 },
    );
    const idle = new RawHttp2Client(fixture.listener.port);
    await until(() => fixture.listener.connections === 1);
    const busy = new RawHttp2Client(fixture.listener.port).write(
      frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, postBlock),
    );
    // The idle neighbour, opened first, has gone: so the limit has passed for both.
    await until(() => idle.closed);
    expect(busy.closed).toBe(false);
    finish?.();
    await until(() => busy.count(frameTypes.data) === 1);
  });

  test("an answer that is not read is cut off on both protocols", async () => {
    fixture = await startListener(
      { request: (_request, response) => response.send(200, {}, Buffer.alloc(32 * 1024 * 1024)) },
      { writeStallMs: 100 },
    );
    const { listener, rejected } = fixture;
    const one = new RawClient(listener.port, false).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => rejected.length === 1);
    // The window of 64 KiB is never opened: the stream is reset, the connection stays.
    const two = new RawHttp2Client(listener.port).write(
      frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, postBlock),
    );
    await until(() => two.count(frameTypes.reset) === 1);
    expect(rejected).toEqual(["write_stall", "write_stall"]);
    expect(two.closed).toBe(false);
    one.socket.destroy();
  });

  test("a small answer that the window does not let through is cut off as well", async () => {
    fixture = await startListener(
      { request: (_request, response) => response.send(200, {}, "0123456789") },
      { writeStallMs: 60 },
    );
    const closedWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
    const raw = new RawHttp2Client(fixture.listener.port)
      .write(frame(frameTypes.settings, 0, 0, closedWindow))
      .write(frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, postBlock));
    await until(() => raw.count(frameTypes.reset) === 1);
    expect(fixture.rejected).toEqual(["write_stall"]);
  });
});

test("a thousand idle connections do not keep a request waiting", async () => {
  fixture = await startListener();
  const { listener } = fixture;
  const idle = Array.from({ length: 1000 }, () => new RawClient(listener.port));
  await until(() => listener.connections === 1000);
  const raw = new RawClient(listener.port).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await until(() => raw.statuses.length === 1);
  expect(idle.every((one) => !one.closed)).toBe(true);
  for (const one of idle) one.socket.destroy();
  raw.socket.destroy();
  await until(() => listener.connections === 0);
});
