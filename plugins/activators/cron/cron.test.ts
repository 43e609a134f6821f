import { describe, expect, test } from "bun:test";
import type { Activator } from "../../../src/contract/index.ts";
import { activatorSuite } from "../../../test/conformance/activator.suite.ts";
import {
  activatorHost,
  type RecordingActivatorHost,
} from "../../../test/conformance/support/activator-host.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import type { CronConfig } from "./cron-activator.ts";
import { lastCronBefore } from "./last-cron.ts";
import plugin from "./plugin.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const SIGNAL = new AbortController().signal;

/** The virtual clock begins at 2026-01-01T00:00:00Z, just when an hourly schedule fires. */
const START_MS = recordingHost().clock.wallMs();

function config(overrides: Partial<CronConfig> = {}): CronConfig {
  return {
    schedule: "0 * * * *",
    timeZone: "UTC",
    actor: "report/nightly",
    system: "default",
    action: "run",
    payload: '{"full":true}',
    missed: "fire_once",
    timeout: 30_000,
    ...overrides,
  };
}

activatorSuite({
  name: plugin.name,
  create: (host) => plugin.create(config({ schedule: "* * * * *" }), host),
  trigger: (host) => host.clock.advance(MINUTE_MS),
});

async function started(host: RecordingActivatorHost, overrides: Partial<CronConfig> = {}) {
  const activator: Activator = plugin.create(config(overrides), host);
  await activator.start?.(SIGNAL);
  await host.clock.advance(0);
  return activator;
}

/** Times of the fires, after the start. */
function fires(host: RecordingActivatorHost): number[] {
  return host.calls.map(({ call }) => Number(call.metadata["due-ms"]) - START_MS);
}

describe("fires", () => {
  test("when due, with a request id of the instance and the time", async () => {
    const host = activatorHost({ instance: "hourly" });
    await started(host);
    await host.clock.advance(HOUR_MS - 1);
    expect(host.calls.length).toBe(0);
    await host.clock.advance(1);
    expect(host.calls[0]?.call).toEqual({
      actor: { system: "default", type: "report", key: "nightly" },
      action: "run",
      payload: { type: "application/json", data: new TextEncoder().encode('{"full":true}') },
      requestId: `cron-hourly-${START_MS + HOUR_MS}`,
      metadata: { activator: "hourly", "due-ms": String(START_MS + HOUR_MS) },
      timeoutMs: 30_000,
    });
    await host.clock.advance(2 * HOUR_MS);
    expect(fires(host)).toEqual([HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]);
  });

  test("with seconds, and in the time zone", async () => {
    const bySecond = activatorHost();
    await started(bySecond, { schedule: "*/20 * * * * *" });
    await bySecond.clock.advance(MINUTE_MS);
    expect(fires(bySecond)).toEqual([20, 40, 60].map((second) => second * SECOND_MS));
    const berlin = activatorHost();
    await started(berlin, { schedule: "30 2 * * *", timeZone: "Europe/Berlin" });
    await berlin.clock.advance(24 * HOUR_MS);
    expect(fires(berlin)).toEqual([1.5 * HOUR_MS]);
  });

  test("once in a cluster of three", async () => {
    const claims = new Set<string>();
    const hosts = [1, 2, 3].map(() => activatorHost({ claims }));
    for (const host of hosts) await started(host);
    for (let hour = 0; hour < 5; hour += 1) {
      for (const host of hosts) await host.clock.advance(HOUR_MS);
    }
    expect(hosts.flatMap(fires).sort((a, b) => a - b)).toEqual(
      [1, 2, 3, 4, 5].map((h) => h * HOUR_MS),
    );
  });

  test("not twice when the wall clock is set back", async () => {
    const host = activatorHost();
    await started(host);
    await host.clock.advance(HOUR_MS);
    host.clock.jumpWall(-HOUR_MS / 2);
    await host.clock.advance(HOUR_MS);
    expect(fires(host)).toEqual([HOUR_MS]);
  });

  test("at the right time when the wall clock is set ahead while it waits", async () => {
    const host = activatorHost();
    await started(host);
    host.clock.jumpWall(HOUR_MS - 10 * MINUTE_MS);
    await host.clock.advance(10 * MINUTE_MS);
    expect(fires(host)).toEqual([HOUR_MS]);
  });
});

describe("what was missed", () => {
  test("while the machine slept is fired once for all", async () => {
    const host = activatorHost();
    await started(host);
    host.clock.jumpWall(5 * HOUR_MS + 20 * MINUTE_MS);
    await host.clock.advance(MINUTE_MS);
    expect(fires(host)).toEqual([5 * HOUR_MS]);
  });

  test("while the machine slept is not fired with skip, and the next one is", async () => {
    const host = activatorHost();
    await started(host, { missed: "skip" });
    host.clock.jumpWall(5 * HOUR_MS + 20 * MINUTE_MS);
    await host.clock.advance(MINUTE_MS);
    expect(fires(host)).toEqual([]);
    expect(host.recorded.counts.get("missed_total")).toBe(1);
    await host.clock.advance(HOUR_MS);
    expect(fires(host)).toEqual([6 * HOUR_MS]);
  });

  test("before the very first start is not fired, however many nodes start", async () => {
    const claims = new Set<string>();
    for (let node = 0; node < 3; node += 1) {
      const host = activatorHost({ claims });
      await started(host);
      expect(host.calls.length).toBe(0);
    }
  });

  test.each([
    ["fire_once", [5 * HOUR_MS]],
    ["skip", []],
  ] as const)("while no node ran: %s", async (missed, expected) => {
    const claims = new Set<string>();
    const before = activatorHost({ claims });
    const activator = await started(before, { missed });
    await activator.stop?.(SIGNAL);
    const after = activatorHost({ claims });
    await after.clock.advance(5 * HOUR_MS + MINUTE_MS);
    await started(after, { missed });
    expect(fires(after)).toEqual([...expected]);
    const again = activatorHost({ claims, clock: after.clock });
    await started(again, { missed });
    expect(fires(again)).toEqual([]);
  });
});

describe("a call that fails", () => {
  const unavailable = (host: RecordingActivatorHost) =>
    host.error("state.unavailable", "the store is away", "unknown");

  test("for the moment is repeated with the same id until it succeeds", async () => {
    const host = activatorHost();
    const answer = host.answer;
    let left = 4;
    host.answer = (call) => {
      left -= 1;
      if (left >= 0) throw unavailable(host);
      return answer(call);
    };
    await started(host);
    await host.clock.advance(HOUR_MS + MINUTE_MS);
    expect(host.calls.length).toBe(5);
    expect(new Set(host.calls.map(({ call }) => call.requestId)).size).toBe(1);
    expect(host.recorded.reports.at(-1)?.health).toBe("ok");
  });

  test("is given up when the next is due, and repeats do not pile up", async () => {
    const host = activatorHost();
    host.answer = () => {
      throw unavailable(host);
    };
    await started(host, { schedule: "* * * * *" });
    await host.clock.advance(3 * MINUTE_MS + 1);
    const ids = host.calls.map(({ call }) => call.requestId);
    expect(new Set(ids).size).toBe(3);
    expect(ids.length).toBeLessThan(60);
    expect(host.recorded.counts.get("given_up_total")).toBe(2);
    expect(host.recorded.reports.at(-1)?.health).toBe("degraded");
  });

  test("for good is not repeated", async () => {
    const host = activatorHost();
    host.answer = () => {
      throw host.error("access.denied", "not allowed", "not_started");
    };
    await started(host);
    await host.clock.advance(HOUR_MS + MINUTE_MS);
    expect(host.calls.length).toBe(1);
  });

  test("to be claimed is claimed again", async () => {
    const host = activatorHost();
    await started(host);
    let left = 3;
    host.beforeClaim = () => {
      left -= 1;
      if (left >= 0) throw unavailable(host);
    };
    await host.clock.advance(HOUR_MS + MINUTE_MS);
    expect(fires(host)).toEqual([HOUR_MS]);
  });
});

test.each([
  [{ schedule: "61 * * * *" }],
  [{ schedule: "" }],
  [{ timeZone: "Mars/Olympus" }],
  [{ actor: "report" }],
  [{ actor: "report/" }],
  [{ actor: "report/{json:$.id}" }],
  [{ action: "" }],
  [{ payload: "{full" }],
] satisfies [Partial<CronConfig>][])("%j is refused before the start", (overrides) => {
  expect(() => plugin.create(config(overrides), activatorHost())).toThrow();
});

test("the last fire is found for schedules of every pace", () => {
  const { nextCron } = activatorHost();
  const last = (cron: string) =>
    lastCronBefore(START_MS + 90_500, (ms) => nextCron(cron, "UTC", ms));
  expect(last("*/5 * * * * *")).toBe(START_MS + 90_000);
  expect(last("* * * * *")).toBe(START_MS + 60_000);
  expect(last("0 0 * * *")).toBe(START_MS);
  expect(last("0 0 1 12 *")).toBe(START_MS - 31 * 24 * HOUR_MS);
});
