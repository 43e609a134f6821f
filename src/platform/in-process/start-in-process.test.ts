import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { ActorTypeSpec } from "../../domain/actor.ts";
import { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP, type Invocation, type Reply } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult, HostTurn } from "../../domain/turn.ts";
import type { HostGate, HostLink, RunningTurn } from "../../node/host-port.ts";
import type { Clock, Logger } from "../../node/ports.ts";
import { fromPayload, jsonPayload, toPayload } from "../../sdk/json-payload.ts";
import { systemClock } from "../clock.ts";
import { type InProcessHost, type InProcessOptions, startInProcess } from "./start-in-process.ts";

/** A node that keeps what links tell it and lets tests wait for it. */
class RecordingGate implements HostGate {
  readonly links: HostLink[] = [];
  readonly draining_: string[] = [];
  readonly lost_: { readonly id: string; readonly reason: string }[] = [];
  readonly received = new Map<number, HostResult>();
  readonly running = new Map<string, RunningTurn>();
  types: readonly ActorTypeSpec[] = [];
  granted = 0;
  #nextId = 1;

  attach(link: HostLink, types: readonly ActorTypeSpec[], credit: number): void {
    this.links.push(link);
    this.types = types;
    this.granted += credit;
  }
  results(_link: HostLink, results: readonly HostResult[]): void {
    for (const result of results) this.received.set(result.id, result);
  }
  credit(_link: HostLink, calls: number): void {
    this.granted += calls;
  }
  draining(link: HostLink): void {
    this.draining_.push(link.id);
  }
  addTypes(): void {}
  lost(link: HostLink, reason: string): void {
    this.lost_.push({ id: link.id, reason });
  }
  turn(token: string): RunningTurn | undefined {
    return this.running.get(token);
  }
  token(_link: HostLink, turnId: number): string {
    return String(turnId);
  }

  get newest(): HostLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error("no link is attached");
    return link;
  }

  send(
    link: HostLink,
    type: string,
    calls: readonly [string, unknown?][],
    state?: unknown,
  ): number {
    const id = this.#nextId;
    this.#nextId += 1;
    const actor = { system: "default", type, key: "a" };
    const turns = calls.map(([action, input], index): HostTurn => {
      const turnId = id * 100 + index;
      const invocation: Invocation = {
        actor,
        action,
        payload: toPayload(input),
        requestId: "",
        metadata: EMPTY_MAP,
        caller: { kind: "client", id: "me", roles: [] },
        chain: [],
        deadlineMs: systemClock.now() + 5_000,
        trace: undefined,
        hops: 0,
      };
      this.running.set(String(turnId), { actorPath: `default/${type}/a`, invocation });
      return { turnId, attempt: 1, invocation };
    });
    const packed = state === undefined ? undefined : jsonPayload(JSON.stringify(state));
    const base = { id, actor, state: packed, revision: 0, epoch: 1, tags: EMPTY_MAP };
    const invocation: HostInvocation = { ...base, turns, keepStates: false };
    link.execute(invocation);
    return id;
  }

  async answer(id: number): Promise<unknown[]> {
    const result = await waitUntil(`the result of ${id}`, () => this.received.get(id));
    if (result.failure !== undefined) return [result.failure.code];
    return result.outcomes.map(({ failure, reply }) => failure?.code ?? fromPayload(reply));
  }
}

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};

const COUNTER = `
import type { Actor } from "troupe/actor";
import { step } from "./step.ts";
export default {
  type: "counter",
  initial: { count: 0 },
  actions: {
    add(ctx, n: number) { ctx.state.count += n * step; return ctx.state.count; },
    async later(ctx, n: number) { await new Promise((go) => setTimeout(go, 5)); ctx.state.count += n; return ctx.state.count; },
    never: () => new Promise(() => {}),
    block() { for (;;) {} },
    exit() { process.exit(3); },
    ask: (ctx, target: string) => ctx.call(target, "get", { from: ctx.key }),
    async aborted(ctx) { await new Promise((go) => ctx.signal.addEventListener("abort", go)); throw new Error("x"); },
    bad(ctx) { ctx.send("no type here/x", "get"); },
  },
} satisfies Actor<{ count: number }>;
export const named = { type: "clerk", name: "only", actions: { hi: () => "hi" }, readOnly: ["hi"] };
export const other = { unrelated: true };
`;

describe("actors in threads of this process", () => {
  const folder = tempDir();
  let host: InProcessHost | undefined;
  let gate = new RecordingGate();
  const asked: Invocation[] = [];

  const write = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return path;
  };
  write("step.ts", "export const step = 1;\n");
  const file = write("counter.ts", COUNTER);

  const start = async (more: Partial<InProcessOptions> = {}): Promise<void> => {
    gate = new RecordingGate();
    host = await startInProcess({
      modules: [file],
      system: "default",
      gate,
      clock: systemClock,
      log: quiet,
      invoker: {
        invoke: (invocation): Promise<Reply> => {
          asked.push(invocation);
          if (invocation.actor.type === "gone") {
            const cause = new ServerError("actor.unknown", "there is no type gone", "not_started");
            return Promise.reject(cause);
          }
          const base = { revision: 1, durable: true, replayed: false, metadata: EMPTY_MAP };
          return Promise.resolve({ ...base, payload: toPayload("its answer") });
        },
      },
      checkCall: ({ target }) => {
        if (!/^[a-z]+$/.test(target.type)) {
          throw new ServerError("request.invalid", "the type is no name", "not_started");
        }
      },
      ...more,
    });
  };
  afterEach(() => host?.close());

  test("register every actor that a module exports", async () => {
    await start();
    expect(gate.types.map(({ type, kind }) => [type, kind])).toEqual([
      ["counter", "unnamed"],
      ["clerk", "named"],
    ]);
    expect(gate.types[1]?.actions).toEqual([{ name: "hi", readOnly: true }]);
  });

  test("run turns in order and give their credit back", async () => {
    await start({ credit: 10 });
    const id = gate.send(
      gate.newest,
      "counter",
      [
        ["add", 2],
        ["later", 3],
        ["add", 1],
      ],
      { count: 1 },
    );
    expect(await gate.answer(id)).toEqual([3, 6, 7]);
    expect(gate.granted).toBe(13);
    const { state } = await waitUntil("the state", () => gate.received.get(id));
    expect(state === undefined ? undefined : fromPayload(state)).toEqual({ count: 7 });
  });

  test("see only the bytes of their payload, not the buffer behind them", async () => {
    await start();
    const whole = new Uint8Array(100_000).fill(0x78);
    const data = whole.subarray(5, 6).fill(0x34);
    const id = gate.send(gate.newest, "counter", [["add", 4]]);
    expect(await gate.answer(id)).toEqual([4]);
    const actor = { system: "default", type: "counter", key: "b" };
    const turn = gate.running.get(String(id * 100));
    if (turn === undefined) throw new Error("the turn is unknown");
    const invocation = { ...turn.invocation, payload: { type: "application/json", data } };
    gate.newest.execute({
      ...{ id: 99, actor, state: undefined, revision: 0, epoch: 1, tags: EMPTY_MAP },
      turns: [{ turnId: 1, attempt: 1, invocation }],
      keepStates: false,
    });
    expect(await gate.answer(99)).toEqual([4]);
  });

  test("call other actors in the name of their turn", async () => {
    await start();
    const id = gate.send(gate.newest, "counter", [["ask", "shop/x"]]);
    expect(await gate.answer(id)).toEqual(["its answer"]);
    expect(asked.at(-1)).toMatchObject({
      actor: { system: "default", type: "shop", key: "x" },
      chain: [{ type: "counter", key: "a" }],
      caller: { id: "me", actor: { type: "counter", key: "a" } },
    });
    const refused = gate.send(gate.newest, "counter", [["ask", "gone/x"]]);
    expect(await gate.answer(refused)).toEqual(["not_found"]);
    const invalid = gate.send(gate.newest, "counter", [["ask", "N O/x"]]);
    expect(await gate.answer(invalid)).toEqual(["invalid_argument"]);
  });

  test("cannot ask for effects on what is no actor", async () => {
    await start();
    const id = gate.send(gate.newest, "counter", [["bad"]]);
    expect(await gate.answer(id)).toEqual(["internal"]);
  });

  test("that block are ended once their turn is cancelled, and come back", async () => {
    await start();
    const [link] = gate.links;
    if (link === undefined) throw new Error("no link is attached");
    const blocked = gate.send(link, "counter", [["block"]]);
    // The frame has left when a later tick runs; only then is the thread in its loop.
    await new Promise<void>((resolve) => systemClock.defer(resolve));
    link.cancel(blocked);
    await waitUntil("the link is lost", () => gate.lost_.length === 1);
    expect(gate.lost_[0]?.reason).toContain("did not answer");
    await waitUntil("a fresh thread", () => gate.links.length === 2);
    expect(await gate.answer(gate.send(gate.newest, "counter", [["add", 5]]))).toEqual([5]);
  });

  test("that end their thread are lost and come back", async () => {
    await start();
    gate.send(gate.newest, "counter", [["exit"]]);
    await waitUntil("a fresh thread", () => gate.links.length === 2);
    expect(gate.lost_).toHaveLength(1);
  });

  test("that only wait are not ended by a cancel, hear of it, and answer", async () => {
    await start();
    const waiting = gate.send(gate.newest, "counter", [["aborted"]]);
    gate.newest.cancel(waiting);
    await waitUntil("its credit is back", () => gate.granted === 201);
    expect(gate.received.has(waiting)).toBe(true);
    expect(gate.lost_).toEqual([]);
  });

  test("that are taken back, many at once, and end soon, do not end the thread of the others", async () => {
    await start({ credit: 4 });
    const taken = [1, 2, 3].map(() => gate.send(gate.newest, "counter", [["later", 1]]));
    for (const id of taken) gate.newest.cancel(id);
    expect(await gate.answer(gate.send(gate.newest, "counter", [["add", 1]]))).toEqual([1]);
    await waitUntil("all have answered", () => taken.every((id) => gate.received.has(id)));
    expect(gate.lost_).toEqual([]);
  });

  test("that never end do not eat up all the credit", async () => {
    await start({ credit: 4 });
    for (let n = 0; n < 3; n += 1) {
      gate.newest.cancel(gate.send(gate.newest, "counter", [["never"]]));
    }
    await waitUntil("a fresh thread", () => gate.links.length === 2);
  });

  test("may have several threads, each a link of its own", async () => {
    await start({ threads: 2 });
    expect(new Set(gate.links.map(({ id }) => id)).size).toBe(2);
  });

  test("are replaced by a reload; the old ones end when their turns have", async () => {
    await start();
    const old = gate.newest;
    const running = gate.send(old, "counter", [["later", 1]]);
    write("step.ts", "export const step = 10;\n");
    await host?.reload();
    expect(gate.draining_).toEqual([old.id]);
    expect(await gate.answer(running)).toEqual([1]);
    await waitUntil("the old link is gone", () => gate.lost_.length === 1);
    const id = gate.send(gate.newest, "counter", [["add", 2]], { count: 1 });
    expect(await gate.answer(id)).toEqual([21]);
    write("step.ts", "export const step = 1;\n");
  });

  test("keep running when the new version is broken", async () => {
    await start();
    write("step.ts", "export const step = ;\n");
    await expect(host?.reload()).rejects.toThrow("counter.ts");
    write("step.ts", "export const step = 1;\n");
    expect(gate.lost_).toEqual([]);
    expect(await gate.answer(gate.send(gate.newest, "counter", [["add", 3]]))).toEqual([3]);
  });

  test.each([
    ["nothing.ts", "export const x = 1;", "exports no actor"],
    ["throws.ts", 'throw new Error("no luck");', "no luck"],
    ["syntax.ts", "export default {\n  type: 5 5,\n  a: 6 6 };", "syntax.ts: line 2: "],
    ["missing.ts", 'import "./nowhere.ts";', "'./nowhere.ts'"],
    ["default.ts", "export default 5;", "export default: must be an object"],
    [
      "typo.ts",
      'export default { type: "a", acions: {}, actions: { x() {} } };',
      "acions is unknown",
    ],
    ["type.ts", 'export default { type: "a b", actions: { x() {} } };', "type must be"],
    [
      "action.ts",
      'export default { type: "a", actions: { x: 1 } };',
      "has x, which is no function",
    ],
    ["empty.ts", 'export const a = { type: "a", actions: {} };', "export a: actions must have"],
    [
      "reads.ts",
      'export default { type: "a", actions: { x() {} }, readOnly: ["y"] };',
      "readOnly names y",
    ],
    [
      "twice.ts",
      'export const a = { type: "a", actions: { x() {} } }; export const b = a;',
      "type a is",
    ],
  ])("broken modules are named in one line: %s", async (name, text, problem) => {
    const path = write(name, text);
    const error = await start({ modules: [path] }).then(
      () => new Error("it started"),
      (reason: Error) => reason,
    );
    expect(error.message).toContain(problem);
    expect(error.message).toStartWith(path);
    expect(error.message).not.toContain("\n");
    expect(gate.links).toEqual([]);
  });

  test("a module that never ends loading is named", async () => {
    const path = write("endless.ts", "for (;;) {}");
    // Ten seconds pass at once; every other timer is as it is.
    const setTimer: Clock["setTimer"] = (delayMs, callback) =>
      systemClock.setTimer(delayMs === 10_000 ? 0 : delayMs, callback);
    const error = await start({ modules: [path], clock: { ...systemClock, setTimer } }).then(
      () => new Error("it started"),
      (reason: Error) => reason,
    );
    expect(error.message).toBe(`${path}: loading took longer than 10 s`);
  });
});
