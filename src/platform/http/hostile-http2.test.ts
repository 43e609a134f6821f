import { afterEach, describe, expect, test } from "bun:test";
import {
  END_HEADERS,
  END_STREAM,
  type Fixture,
  frame,
  frameTypes,
  postBlock,
  RawHttp2Client,
  startListener,
  uint32,
  until,
} from "../../../test/support/listener-fixture.ts";

let fixture: Fixture | undefined;
let client: RawHttp2Client | undefined;

afterEach(async () => {
  client?.socket.destroy();
  await fixture?.listener.close();
  fixture = undefined;
});

async function open(handler = {}, limits = {}, reading = true): Promise<RawHttp2Client> {
  fixture = await startListener(handler, limits);
  client = new RawHttp2Client(fixture.listener.port, reading);
  return client;
}

const request = (id: number): Buffer =>
  frame(frameTypes.headers, END_HEADERS | END_STREAM, id, postBlock);

test("of 1,000 streams at once those above 100 are refused and the connection lives on", async () => {
  const answers: (() => void)[] = [];
  const raw = await open({
    request(_request: unknown, response: { send(s: number, h: object, b: string): void }) {
      answers.push(() => response.send(200, {}, ""));
    },
  });
  for (let i = 0; i < 1000; i++) raw.write(request(1 + 2 * i));
  await until(() => raw.count(frameTypes.reset) === 900);
  expect(answers.length).toBe(100);
  for (const one of raw.frames()) {
    if (one.type === frameTypes.reset) expect(one.payload.readUInt32BE()).toBe(7);
  }
  for (const one of answers.splice(0)) one();
  await until(() => raw.count(frameTypes.headers) === 100);
  raw.write(request(2001));
  await until(() => answers.length === 1);
  answers[0]?.();
  await until(() => raw.count(frameTypes.headers) === 101);
  expect(raw.closed).toBe(false);
});

describe("a flood ends its connection", () => {
  const floods: readonly (readonly [string, number, (i: number) => Uint8Array])[] = [
    ["empty CONTINUATION", 500_000, () => frame(frameTypes.continuation, 0, 1)],
    ["PING", 500_000, () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", 500_000, () => frame(frameTypes.settings, 0, 0)],
    ["PRIORITY", 500_000, (i) => frame(frameTypes.priority, 0, 1 + 2 * i, Buffer.alloc(5, 0))],
    ["WINDOW_UPDATE of 1", 500_000, () => frame(frameTypes.windowUpdate, 0, 0, uint32(1))],
    ["unknown frame", 500_000, () => frame(0x55, 0, 0, Buffer.alloc(3))],
    ["empty DATA", 500_000, () => frame(frameTypes.data, 0, 1)],
    [
      "reset after request",
      100_000,
      (i) => Buffer.concat([request(1 + 2 * i), frame(frameTypes.reset, 0, 1 + 2 * i, uint32(8))]),
    ],
    [
      "provoked reset",
      100_000,
      (i) =>
        Buffer.concat([
          request(1 + 2 * i),
          frame(frameTypes.windowUpdate, 0, 1 + 2 * i, uint32(0)),
        ]),
    ],
  ];
  test.each(floods)("%s", async (name, most, make) => {
    const raw = await open();
    if (name.startsWith("empty"))
      raw.write(frame(frameTypes.headers, 0, 1, postBlock.subarray(0, 3)));
    if (name === "empty DATA") {
      raw.write(frame(frameTypes.continuation, END_HEADERS, 1, postBlock.subarray(3)));
    }
    await raw.flood(most, make);
    await until(() => raw.closed);
    expect(fixture?.rejected.some((reason) => reason.startsWith("http2_"))).toBe(true);
  });

  test("PING after PING, each one answered", async () => {
    const raw = await open();
    let sent = 0;
    while (!raw.closed && sent < 1000) {
      raw.write(frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
      sent += 1;
      while (!raw.closed && raw.count(frameTypes.ping) < sent) await raw.heard();
    }
    expect(sent).toBeGreaterThan(99);
    expect(raw.closed).toBe(true);
    expect(fixture?.rejected).toEqual(["http2_flood"]);
  });

  test("PING beside a stream, faster than any measurement of bandwidth", async () => {
    const raw = await open({ request() {} });
    raw.write(request(1));
    await raw.flood(500_000, () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
    await until(() => raw.closed);
    expect(fixture?.rejected.some((reason) => reason.startsWith("http2_"))).toBe(true);
  });

  test("PING whose answers are not read", async () => {
    const raw = await open({}, {}, false);
    const before = process.memoryUsage.rss();
    await raw.flood(500_000, () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
    await until(() => fixture?.listener.connections === 0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("a frame that breaks the protocol", () => {
  test("WINDOW_UPDATE of 0 on the connection", async () => {
    const raw = (await open()).write(frame(frameTypes.windowUpdate, 0, 0, uint32(0)));
    await until(() => raw.closed && raw.count(frameTypes.goaway) > 0);
  });

  test("a window beyond 2^31 - 1", async () => {
    const raw = (await open()).write(frame(frameTypes.windowUpdate, 0, 0, uint32(2 ** 31 - 1)));
    await until(() => raw.closed && raw.count(frameTypes.goaway) > 0);
  });

  test("a block that expands far beyond the limit of a header list", async () => {
    const name = Buffer.from([0x40, 0x01, 0x78, 0x7f, 0xa1, 0x1e]);
    const bomb = Buffer.concat([
      postBlock,
      name,
      Buffer.alloc(4000, 0x61),
      Buffer.alloc(4000, 0xbe),
    ]);
    const raw = await open();
    raw.write(frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, bomb));
    await until(() => raw.count(frameTypes.reset) + raw.count(frameTypes.goaway) > 0);
    expect(raw.count(frameTypes.headers)).toBe(0);
  });

  test("300 fields", async () => {
    const fields = Array.from({ length: 300 }, (_, i) =>
      Buffer.concat([Buffer.from([0, 4]), Buffer.from(`h${100 + i}`), Buffer.from([1, 0x61])]),
    );
    const raw = await open();
    const block = Buffer.concat([postBlock, ...fields]);
    raw.write(frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, block));
    await until(() => raw.count(frameTypes.reset) + raw.count(frameTypes.goaway) > 0);
  });

  test("a request without a path is not served", async () => {
    let served = 0;
    const raw = await open({
      request() {
        served += 1;
      },
    });
    const block = Buffer.from([0x83, 0x86, 0x41, 0x01, 0x61]);
    raw.write(frame(frameTypes.headers, END_HEADERS | END_STREAM, 1, block));
    await until(() => raw.count(frameTypes.reset) + raw.count(frameTypes.goaway) > 0);
    expect(served).toBe(0);
  });
});

test("an answer before the end of the request tells the client to stop sending", async () => {
  const raw = await open({
    request(_request: unknown, response: { send(s: number, h: object, b: string): void }) {
      response.send(200, {}, "enough");
    },
  });
  raw.write(frame(frameTypes.headers, END_HEADERS, 1, postBlock));
  await until(() => raw.count(frameTypes.reset) === 1);
  const [reset] = [...raw.frames()].filter((one) => one.type === frameTypes.reset);
  expect(reset?.payload.readUInt32BE()).toBe(0);
  expect(raw.count(frameTypes.data)).toBeGreaterThan(0);
});

test("a connection with steady small streams and window updates is no flood", async () => {
  const raw = await open();
  const post = (id: number): Buffer =>
    Buffer.concat([
      frame(frameTypes.headers, END_HEADERS, id, postBlock),
      frame(frameTypes.data, 0, id, Buffer.from("a")),
      frame(frameTypes.windowUpdate, 0, 0, uint32(10)),
      frame(frameTypes.windowUpdate, 0, id, uint32(10)),
      frame(frameTypes.data, END_STREAM, id, Buffer.from("b")),
    ]);
  let answered = 0;
  let scanned = 0;
  raw.socket.on("data", () => {
    // Frames are counted from where the last scan ended, so that the test stays linear.
    const bytes = raw.received;
    while (scanned + 9 <= bytes.length) {
      const length = bytes.readUIntBE(scanned, 3);
      if (scanned + 9 + length > bytes.length) break;
      const type = bytes[scanned + 3] ?? 0;
      if (type <= 1 && ((bytes[scanned + 4] ?? 0) & END_STREAM) !== 0) answered += 1;
      scanned += 9 + length;
    }
    raw.received = raw.received.subarray(scanned);
    scanned = 0;
  });
  let sent = 0;
  while (sent < 20_000) {
    for (let i = 0; i < 50; i++) raw.write(post(1 + 2 * sent++));
    await until(() => answered === sent);
  }
  expect(raw.closed).toBe(false);
  expect(fixture?.rejected).toEqual([]);
});
