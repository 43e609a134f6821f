import { describe, expect, test } from "bun:test";
import type { PluginHealth } from "../contract/host.ts";
import type { AnyPlugin, ContractId } from "../contract/plugin.ts";
import { ServerError } from "../domain/error.ts";
import { makeCatalogue } from "./catalogue.ts";
import { Kernel, type HostRequest } from "./kernel.ts";
import { BootError } from "./plugin-failure.ts";

type Life = { start?: unknown; stop?: unknown; pause?: unknown };
type Report = (health: PluginHealth, detail?: string) => void;

const MEMBERS: Record<string, object> = {
  "statestore@1": Object.fromEntries(
    "durability exclusive lanes describe sessions types meta claim epochs dedup commit release read prune"
      .split(" ")
      .map((name) => [name, () => undefined]),
  ),
  "balancer@1": { choose: () => 0 },
  "activator@1": {},
};

/** A clock whose timers fire when they are told to. */
function handClock() {
  const timers = new Set<() => void>();
  return {
    timers,
    setTimer(_: number, callback: () => void) {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  };
}

interface Wanted {
  readonly contract: ContractId;
  readonly life?: Life;
  readonly create?: (host: { readonly report: Report }) => unknown;
  /** The plug-in's name, if it is not said. */
  readonly instance?: string;
}

function build(wanted: readonly Wanted[]) {
  const log: string[] = [];
  const clock = handClock();
  const state: { exit: ((code: unknown) => void) | undefined } = { exit: undefined };
  const note = (event: string, fields?: object) =>
    void log.push(`${event} ${JSON.stringify(fields)}`);
  const plugins = wanted.map(({ contract, life = {}, create }, index) => {
    const component = () => ({ ...MEMBERS[contract], ...life });
    const made = (_: unknown, host: { report: Report }) => (create ?? component)(host);
    return { contract, name: `p${index}`, options: {}, create: made } as unknown as AnyPlugin;
  });
  const { catalogue } = makeCatalogue(plugins.map((plugin) => ({ plugin, origin: "test" })));
  const kernel = new Kernel({
    catalogue,
    selections: plugins.map(({ contract, name }, index) => ({
      contract,
      plugin: name,
      instance: wanted[index]?.instance ?? name,
      options: {},
    })),
    hostFor: ({ report }: HostRequest) => ({ report }) as never,
    clock,
    log: { info: note, warn: note, error: note },
    guardExit: (onCall) => {
      state.exit = onCall;
      return () => {
        state.exit = undefined;
      };
    },
    startTimeoutMs: 60_000,
    stopTimeoutMs: 5000,
  });
  return { kernel, clock, log, state };
}

const never = () => new Promise<void>(() => undefined);

async function bootError(run: Promise<unknown>): Promise<BootError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BootError)) throw new Error("no BootError was thrown");
  return error;
}

describe("order", () => {
  test("components start by family, whatever the order of configuration, and stop in reverse", async () => {
    const steps: string[] = [];
    const life = (name: string) => ({
      start: async () => void steps.push(`+${name}`),
      stop: async () => void steps.push(`-${name}`),
    });
    const { kernel } = build([
      { contract: "activator@1", life: life("activator") },
      { contract: "balancer@1", life: life("balancer") },
      { contract: "statestore@1", life: life("statestore") },
    ]);
    kernel.create();
    expect(steps).toEqual([]);
    await kernel.start();
    expect(await kernel.stop()).toEqual([]);
    expect(steps).toEqual([
      "+statestore",
      "+balancer",
      "+activator",
      "-activator",
      "-balancer",
      "-statestore",
    ]);
    expect(await kernel.stop()).toEqual([]);
    expect(steps).toHaveLength(6);
  });

  test("a start that fails stops itself and what came before, in reverse, and collects failures", async () => {
    const steps: string[] = [];
    const stop = (name: string) => async () => void steps.push(name);
    const broken = async () => {
      steps.push("statestore");
      throw new Error("disk on fire");
    };
    const { kernel } = build([
      { contract: "statestore@1", life: { stop: broken } },
      {
        contract: "balancer@1",
        life: { start: async () => Promise.reject(undefined), stop: stop("balancer") },
      },
      { contract: "activator@1", life: { start: stop("never"), stop: stop("never") } },
    ]);
    kernel.create();
    const error = await bootError(kernel.start());
    expect(steps).toEqual(["balancer", "statestore"]);
    expect(error.failures.map((each) => `${each.plugin} ${each.reason}`)).toEqual([
      "p1 init_failed",
      "p0 stop_failed",
    ]);
    expect(error.message).toBe(
      "balancer plug-in p1 could not start: undefined; statestore plug-in p0 failed to stop: disk on fire",
    );
  });
});

describe("what a plug-in may do wrong", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined"],
    ["text", "no luck", "no luck"],
    ["a cycle", cyclic, "something that cannot be shown"],
    ["lines", new Error("a\nb"), "a?b"],
  ])("a start that rejects with %s is told in one line", async (_, thrown, shown) => {
    const { kernel } = build([
      { contract: "balancer@1", life: { start: () => Promise.reject(thrown) } },
    ]);
    kernel.create();
    const error = await bootError(kernel.start());
    expect(error.message).toBe(`balancer plug-in p0 could not start: ${shown}`);
    expect(error.exitCode).toBe(78);
  });

  test("a start that throws at once is told as well", async () => {
    const start = () => {
      throw new Error("now");
    };
    const { kernel } = build([{ contract: "balancer@1", life: { start } }]);
    kernel.create();
    expect((await bootError(kernel.start())).message).toContain("could not start: now");
  });

  test("exit code and reason are those the error asks for", async () => {
    const start = () =>
      Promise.reject(
        new ServerError("state.unavailable", "no database", "not_started", { reason: "db_down" }),
      );
    const { kernel } = build([{ contract: "statestore@1", life: { start } }]);
    kernel.create();
    const error = await bootError(kernel.start());
    expect([error.exitCode, error.failures[0]?.reason]).toEqual([69, "db_down"]);
  });

  test("a start that hangs is named, its signal fires, and it is stopped", async () => {
    const seen: string[] = [];
    const start = (signal: AbortSignal) => {
      signal.addEventListener("abort", () => seen.push("aborted"));
      return never();
    };
    const stop = async () => void seen.push("stopped");
    const { kernel, clock } = build([{ contract: "balancer@1", life: { start, stop } }]);
    kernel.create();
    const failed = bootError(kernel.start());
    for (const fire of [...clock.timers]) fire();
    expect((await failed).failures.map((each) => each.reason)).toEqual(["init_timeout"]);
    expect(seen).toEqual(["aborted", "stopped"]);
  });

  test("a pause that hangs or throws is logged and holds nobody up", async () => {
    const paused: string[] = [];
    const pause = () => {
      throw new Error("broken");
    };
    const { kernel, clock, log } = build([
      { contract: "activator@1", life: { pause: never } },
      { contract: "activator@1", life: { pause } },
      { contract: "activator@1", life: { pause: async () => void paused.push("third") } },
      { contract: "activator@1" },
    ]);
    kernel.create();
    await kernel.start();
    const done = kernel.pause();
    expect(paused).toEqual(["third"]);
    await new Promise((resolve) => setImmediate(resolve));
    for (const fire of clock.timers) fire();
    await done;
    expect(log.filter((line) => line.startsWith("activator.pause"))).toHaveLength(2);
  });

  test("a stop that hangs is logged and does not hold the others", async () => {
    const steps: string[] = [];
    const { kernel, clock, log } = build([
      { contract: "statestore@1", life: { stop: async () => void steps.push("statestore") } },
      { contract: "balancer@1", life: { stop: never } },
    ]);
    kernel.create();
    await kernel.start();
    const stopped = kernel.stop();
    for (const fire of [...clock.timers]) fire();
    expect((await stopped).map((each) => each.reason)).toEqual(["plugin_shutdown_timeout"]);
    expect(steps).toEqual(["statestore"]);
    expect(log.join()).toContain("plugin_shutdown_timeout");
  });

  test("an exit of the process is refused, even if the plug-in swallows the throw", async () => {
    const { kernel, state } = build([
      { contract: "balancer@1", life: { start: async () => state.exit?.(42) } },
    ]);
    kernel.create();
    expect((await bootError(kernel.start())).message).toContain(
      "tried to end the process with code 42",
    );
    expect(state.exit).toBeUndefined();
  });

  test("every plug-in that cannot be created is named", () => {
    const create = () => {
      throw new Error("bad path");
    };
    const { kernel } = build([
      { contract: "statestore@1", create: () => ({ claim: 1 }) },
      { contract: "balancer@1", create },
      { contract: "activator@1", create: () => null },
    ]);
    let error: unknown;
    try {
      kernel.create();
    } catch (thrown) {
      error = thrown;
    }
    expect((error as BootError).failures.map((each) => each.message)).toEqual([
      "statestore plug-in p0 returned a component without durability",
      "balancer plug-in p1 could not be created: bad path",
      "activator plug-in p2 returned no object",
    ]);
  });
});

describe("access and health", () => {
  test("components are found by their contract", () => {
    const { kernel } = build([
      { contract: "balancer@1" },
      { contract: "activator@1" },
      { contract: "activator@1" },
    ]);
    kernel.create();
    expect(kernel.one("balancer@1").choose("t", [])).toBe(0);
    expect(kernel.all("activator@1").map((each) => each.instance)).toEqual(["p1", "p2"]);
    expect(() => kernel.one("statestore@1")).toThrow("exactly one statestore@1");
  });

  test("the worst report counts, and only what calls need turns readiness off", () => {
    const reports: Report[] = [];
    const keep = (contract: ContractId) => (host: { readonly report: Report }) => {
      reports.push(host.report);
      return { ...MEMBERS[contract] };
    };
    const { kernel } = build([
      { contract: "statestore@1", create: keep("statestore@1"), instance: "statestore" },
      { contract: "statestore@1", create: keep("statestore@1"), instance: "archive" },
      { contract: "activator@1", create: keep("activator@1") },
    ]);
    kernel.create();
    expect(kernel.health()).toMatchObject({ health: "ok", ready: true });
    reports[2]?.("failed", "broker gone");
    expect(kernel.health()).toMatchObject({ health: "failed", ready: true });
    reports[1]?.("failed", "one system's store gone");
    expect(kernel.health()).toMatchObject({ health: "failed", ready: true });
    reports[0]?.("failed");
    expect(kernel.health().ready).toBe(false);
    reports[0]?.("degraded");
    expect(kernel.health()).toMatchObject({
      ready: true,
      components: [
        { health: "degraded" },
        { detail: "one system's store gone" },
        { detail: "broker gone" },
      ],
    });
  });
});
