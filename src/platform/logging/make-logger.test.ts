import { describe, expect, test } from "bun:test";
import type { Clock } from "../../node/ports.ts";
import { fatalLine } from "./fatal-line.ts";
import type { TextSink } from "./log-output.ts";
import { type LoggerOptions, makeLogger, type RootLogger } from "./make-logger.ts";

class ListSink implements TextSink {
  readonly texts: string[] = [];
  readonly waiting: (() => void)[] = [];
  stalled = false;

  write(text: string, done: () => void): void {
    this.texts.push(text);
    if (this.stalled) this.waiting.push(done);
    else done();
  }
}

function setup(more: Partial<LoggerOptions> = {}): {
  readonly log: RootLogger;
  readonly sink: ListSink;
  readonly time: { now: number };
  lines(): Record<string, unknown>[];
} {
  const sink = new ListSink();
  const time = { now: 0 };
  const clock: Clock = {
    now: () => time.now,
    wallMs: () => 1_700_000_000_000,
    setTimer: () => () => undefined,
    defer: () => undefined,
  };
  const base = { level: "info", format: "json", terminal: false } as const;
  const log = makeLogger({ ...base, clock, sink, ...more });
  const lines = (): Record<string, unknown>[] =>
    sink.texts
      .join("")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  return { log, sink, time, lines };
}

describe("a line", () => {
  test("is one JSON object with level, time, event and fields", () => {
    const { log, lines } = setup();
    log.child({ node: "a" }).info("host.attached", { types: ["x"], count: 2 });
    expect(lines()).toEqual([
      {
        level: "info",
        time: "2023-11-14T22:13:20.000Z",
        node: "a",
        types: ["x"],
        count: 2,
        event: "host.attached",
      },
    ]);
  });

  test("below the level is not written, until the level changes", () => {
    const { log, lines } = setup();
    log.debug("one");
    log.setLevel("debug");
    log.debug("two");
    expect(lines().map(({ event }) => event)).toEqual(["two"]);
  });

  test("never shows what sounds secret, wherever it lies", () => {
    const { log, sink } = setup();
    const cause = new Error("login with Bearer abcdef123456 failed");
    log.child({ authToken: "hush-1" }).error("store.unavailable", {
      password: "hush-2",
      nested: { api_key: "hush-3", list: [{ clientSecret: "hush-4" }] },
      url: "postgres://troupe:hush-5@db/x",
      error: new Error("cannot reach postgres://a:hush-6@db", { cause }),
      tokens: 3,
      keyCount: 1,
    });
    const text = sink.texts.join("");
    expect(text).not.toMatch(/hush|abcdef/);
    expect(text).toContain("postgres://troupe:[redacted]@db/x");
    expect(text).toContain('"keyCount":1');
  });

  test("takes any value: cycles, bytes, big integers, functions, long texts", () => {
    const { log, lines } = setup();
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const long = "x".repeat(100_000);
    log.info("odd", { cycle, bytes: new Uint8Array(3), big: 5n, run: () => 1, long });
    expect(lines()[0]).toMatchObject({ bytes: "[3 bytes]", big: "5", run: "[function]" });
    expect(JSON.stringify(lines()[0]).length).toBeLessThan(6_000);
  });

  test("is text for a terminal", () => {
    const { log, sink } = setup({ format: "auto", terminal: true });
    log.warn("host.lost", { host: "h1" });
    expect(sink.texts[0]).toContain("host.lost");
    expect(() => JSON.parse(sink.texts[0] ?? "")).toThrow();
  });
});

describe("too many lines", () => {
  const fields = { text: "x".repeat(1_000) };

  test("are dropped beyond 1 MB a second, counted and said", () => {
    const { log, time, lines } = setup();
    for (let n = 0; n < 3_000; n += 1) log.info("flood", fields);
    const kept = lines().length;
    expect(kept).toBeGreaterThan(850);
    expect(kept).toBeLessThan(1_000);
    expect(log.dropped).toBe(3_000 - kept);
    time.now = 1_000;
    log.info("after");
    expect(lines().slice(kept)).toMatchObject([
      { event: "log.dropped", dropped: 3_000 - kept },
      { event: "after" },
    ]);
  });

  test("do not pile up for a reader that stands still, and flush waits for what was taken", async () => {
    const { log, sink, time } = setup();
    sink.stalled = true;
    for (let second = 0; second < 5; second += 1) {
      time.now = second * 1_000;
      for (let n = 0; n < 500; n += 1) log.info("flood", fields);
    }
    expect(sink.texts.join("").length).toBeLessThanOrEqual(1_000_000);
    let flushed = false;
    const flushing = log.flush().then(() => {
      flushed = true;
    });
    await Promise.resolve();
    expect(flushed).toBe(false);
    for (const done of sink.waiting) done();
    await flushing;
  });
});

test("the last line of a process is one JSON object, or one line of text on a terminal", () => {
  const fatal = {
    event: "listen",
    exit: 69,
    key: "http_addr",
    reason: "in_use",
    hint: "choose another",
  };
  expect(JSON.parse(fatalLine(fatal, false))).toEqual({ level: "fatal", ...fatal });
  expect(fatalLine(fatal, true)).toBe("troupe: listen: http_addr: in_use; choose another\n");
});
