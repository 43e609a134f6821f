import { describe, expect, test } from "bun:test";
import type { Activator, ActivatorHost, Reply } from "../../src/contract/index.ts";
import { waitUntil } from "../support/wait-until.ts";
import { activatorHost, COMMITTED, type RecordingActivatorHost } from "./support/activator-host.ts";
import { settle } from "./support/virtual-clock.ts";

/** What the suite needs of an activator. */
export interface ActivatorSuiteOptions {
  readonly name: string;
  readonly create: (host: ActivatorHost) => Activator;
  /** Makes one outside event happen; resolves when its source has been told, if it is told at all. */
  readonly trigger?: (host: RecordingActivatorHost) => Promise<unknown>;
  /** True if the source waits for the acknowledgement, so that it must come after the commit. */
  readonly acknowledges?: boolean;
}

const SIGNAL = new AbortController().signal;

/** Everything that an activator promises, whatever its source. */
export function activatorSuite(options: ActivatorSuiteOptions): void {
  describe(`activator ${options.name}`, () => {
    test("stopping without a start, and twice after one, leaves nothing behind", async () => {
      const host = activatorHost();
      const activator = options.create(host);
      await activator.stop?.(SIGNAL);
      await activator.start?.(SIGNAL);
      await activator.stop?.(SIGNAL);
      await activator.stop?.(SIGNAL);
      expect(host.clock.pending).toBe(0);
      expect(host.webhooks.size).toBe(0);
    });

    test("nothing is called or claimed before the start", async () => {
      const host = activatorHost();
      options.create(host);
      await settle();
      expect([host.calls.length, host.claims.size, host.clock.pending]).toEqual([0, 0, 0]);
    });

    if (options.trigger !== undefined) eventTests(options, options.trigger);
  });
}

function eventTests(
  options: ActivatorSuiteOptions,
  trigger: NonNullable<ActivatorSuiteOptions["trigger"]>,
): void {
  const started = async () => {
    const host = activatorHost();
    const activator = options.create(host);
    await activator.start?.(SIGNAL);
    return { host, activator };
  };

  test("one event makes one whole call", async () => {
    const { host, activator } = await started();
    await trigger(host);
    expect(host.calls.length).toBe(1);
    const call = host.calls[0]?.call;
    expect([call?.actor.system, call?.actor.type, call?.actor.key, call?.action]).not.toContain("");
    expect(call?.timeoutMs).toBeGreaterThan(0);
    expect(Buffer.byteLength(call?.requestId ?? "")).toBeLessThanOrEqual(128);
    await activator.stop?.(SIGNAL);
  });

  test("no event is taken after the pause, and none after the stop", async () => {
    const { host, activator } = await started();
    await activator.pause?.();
    await trigger(host);
    await activator.stop?.(SIGNAL);
    await trigger(host);
    expect(host.calls.length).toBe(0);
  });

  test("a call that runs goes on through the pause, and the stop waits for it", async () => {
    const { host, activator } = await started();
    let answer: (reply: Reply) => void = () => undefined;
    host.answer = () => new Promise<Reply>((resolve) => (answer = resolve));
    const told = trigger(host);
    await callMade(host);
    await activator.pause?.();
    let stopped = false;
    const stop = activator.stop?.(SIGNAL).then(() => (stopped = true));
    await settle();
    expect([host.calls[0]?.signal.aborted, stopped]).toEqual([false, false]);
    answer(COMMITTED);
    await Promise.all([told, stop]);
    expect(stopped).toBe(true);
  });

  test("a stop that runs out of time takes the call back", async () => {
    const { host, activator } = await started();
    host.answer = () => new Promise<Reply>(() => undefined);
    void trigger(host);
    await callMade(host);
    const bound = new AbortController();
    const stop = activator.stop?.(bound.signal);
    bound.abort();
    await stop;
    expect(host.calls[0]?.signal.aborted).toBe(true);
  });

  if (options.acknowledges !== true) return;
  test("the source is told after the commit, not before", async () => {
    const { host, activator } = await started();
    let answer: (reply: Reply) => void = () => undefined;
    host.answer = () => new Promise<Reply>((resolve) => (answer = resolve));
    let told = false;
    const sent = trigger(host).then(() => (told = true));
    await callMade(host);
    await settle();
    expect(told).toBe(false);
    answer(COMMITTED);
    await sent;
    await activator.stop?.(SIGNAL);
  });
}

/** Resolves once the first call is made; how many promises that takes is the activator's matter. */
async function callMade(host: RecordingActivatorHost): Promise<void> {
  await waitUntil("the activator makes its call", () => host.calls.length > 0);
}
