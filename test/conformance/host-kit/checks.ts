import type { ActorId } from "../../../src/domain/actor.ts";
import type { Invocation, Payload } from "../../../src/domain/invocation.ts";
import type { HostInvocation, HostResult, TurnOutcome } from "../../../src/domain/turn.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { json, valueOf } from "./kit-actors.ts";
import type { KitServer } from "./kit-server.ts";
import type { RecordedLink } from "./recording-gate.ts";

/** How the host under test is reached: it opened a stream, or it is called. */
export type HostShape = "attached" | "dialled";

/** One thing that every host must do. `run` throws what is wrong. */
export interface Check {
  readonly name: string;
  /** Left out for hosts of the other shape. */
  readonly shape?: HostShape;
  run(kit: KitServer): Promise<void>;
}

/** How long a host may take to come back. */
const RETURN_MS = 30_000;

/** Throws with both values unless they are equal as JSON. */
export function same(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 300)} instead of ${b?.slice(0, 300)}`);
}

export const actor = (key: string, type = "kit.counter"): ActorId => ({
  system: "default",
  type,
  key,
});

type Step = readonly [action: string, value?: unknown, more?: Partial<Invocation>];

/** Runs some turns of one actor in one invocation. */
export function run(
  kit: KitServer,
  key: string,
  steps: readonly Step[],
  more: Partial<HostInvocation> = {},
): Promise<HostResult> {
  const id = actor(key);
  const turns = steps.map(([action, value, extra]) =>
    kit.actors.turn(
      id,
      action,
      value === undefined ? { type: "", data: new Uint8Array(0) } : json(value),
      extra,
    ),
  );
  return kit.actors.run(id, turns, more);
}

export const replies = (result: HostResult): unknown[] =>
  result.outcomes.map(({ reply }) => valueOf(reply));
const changes = (result: HostResult): boolean[] => result.outcomes.map(({ changed }) => changed);

/** The one outcome of an invocation with one turn. */
export function only(result: HostResult): TurnOutcome {
  const [outcome] = result.outcomes;
  if (result.failure !== undefined)
    throw new Error(`the invocation failed: ${result.failure.message}`);
  if (outcome === undefined) throw new Error("there is no outcome");
  return outcome;
}

/** The newest link that takes turns. */
export function newest(kit: KitServer): RecordedLink {
  const link = kit.gate.attached.at(-1);
  if (link === undefined) throw new Error("no host is attached");
  return link;
}

const allCredit = (kit: KitServer): Promise<true> =>
  waitUntil("the host gives all its credit back", () => {
    const { credit, firstCredit } = newest(kit);
    return credit === firstCredit;
  });

async function echoed(kit: KitServer, payload: Payload): Promise<void> {
  const id = actor("echo");
  const { reply } = only(await kit.actors.run(id, [kit.actors.turn(id, "echo", payload)]));
  same("the type", reply.type, payload.type);
  if (Buffer.compare(reply.data, payload.data) !== 0)
    throw new Error("the bytes came back changed");
}

const CONTENT: readonly Check[] = [
  {
    name: "registers its types with their settings",
    async run(kit) {
      const { types } = newest(kit);
      const counter = types.find(({ type }) => type === "kit.counter");
      const stateless = types.find(({ type }) => type === "kit.stateless");
      same("kit.counter is stateful", counter?.stateful, true);
      same("get is read-only", counter?.actions.find(({ name }) => name === "get")?.readOnly, true);
      same("add is not", counter?.actions.find(({ name }) => name === "add")?.readOnly, false);
      same("the state is JSON", counter?.stateType, "application/json");
      same("kit.stateless is stateless", stateless?.stateful, false);
    },
  },
  {
    name: "takes an actor without state for a new one",
    async run(kit) {
      const result = await run(kit, "new", [["get"]]);
      same("the reply", replies(result), [0]);
      same("changed", changes(result), [false]);
    },
  },
  {
    name: "changes the state and says so",
    async run(kit) {
      const result = await run(kit, "a", [["add", 3]], { state: json({ count: 4 }), revision: 9 });
      same("the reply", replies(result), [7]);
      same("changed", changes(result), [true]);
      same("the state", valueOf(result.state), { count: 7 });
    },
  },
  {
    name: "runs the turns of an invocation in order, each on the state before it",
    async run(kit) {
      const result = await run(kit, "a", [["add", 1], ["add", 2], ["get"], ["add", 3]]);
      same("the replies", replies(result), [1, 3, 3, 6]);
      same("changed", changes(result), [true, true, false, true]);
      same("the state", valueOf(result.state), { count: 6 });
    },
  },
  {
    name: "a turn that fails leaves no trace, and the next one runs",
    async run(kit) {
      const result = await run(
        kit,
        "a",
        [
          ["add", 1],
          ["fail", { code: "insufficient_funds", message: "it costs too much" }],
          ["add", 1],
        ],
        { tags: { kept: "yes" } },
      );
      const failed = result.outcomes[1];
      same(
        "the failure",
        [failed?.failure?.code, failed?.failure?.message],
        ["insufficient_funds", "it costs too much"],
      );
      same("its effects", failed?.effects, []);
      same("the replies", [replies(result)[0], replies(result)[2]], [1, 2]);
      same("the state", valueOf(result.state), { count: 2 });
      same("the tags", result.tags, undefined);
    },
  },
  {
    name: "a turn that fails alone changes nothing",
    async run(kit) {
      const result = await run(kit, "a", [["fail", { code: "not_found", message: "gone" }]], {
        state: json({ count: 1 }),
      });
      same("the failure", result.outcomes[0]?.failure?.code, "not_found");
      same("changed", changes(result), [false]);
    },
  },
  {
    name: "keeps the state after each changing turn when asked",
    async run(kit) {
      const result = await run(kit, "a", [["add", 1], ["get"], ["add", 1]], { keepStates: true });
      same("after the first", valueOf(result.outcomes[0]?.state), { count: 1 });
      same("after the last", valueOf(result.outcomes[2]?.state ?? result.state), { count: 2 });
    },
  },
  {
    name: "an unknown action is `unimplemented`",
    async run(kit) {
      const result = await run(kit, "a", [["no-such-action"], ["add", 1]]);
      same("the code", result.outcomes[0]?.failure?.code, "unimplemented");
      same("the next turn", replies(result)[1], 1);
    },
  },
  {
    name: "an empty reply is empty",
    async run(kit) {
      same("the bytes", only(await run(kit, "a", [["none"]])).reply.data.length, 0);
    },
  },
  {
    name: "payloads of any type come back byte by byte",
    async run(kit) {
      await echoed(kit, {
        type: "type.googleapis.com/kit.Bytes",
        data: Uint8Array.from({ length: 256 }, (_, at) => at),
      });
      await echoed(kit, json({ text: "naïve ☃ 𝄞", deep: [1, [2, [3]]] }));
    },
  },
  {
    name: "payloads of 3 MiB go in and out",
    async run(kit) {
      await echoed(kit, {
        type: "type.googleapis.com/kit.Bytes",
        data: new Uint8Array(3 * 1024 * 1024).fill(7),
      });
      const reply = valueOf(only(await run(kit, "a", [["big", 1_000_000]])).reply);
      same("the length", String(reply).length, 1_000_000);
    },
  },
  {
    name: "serves a stateless type",
    async run(kit) {
      const id = actor("any", "kit.stateless");
      const result = await kit.actors.run(id, [kit.actors.turn(id, "echo", json("hello"))]);
      same("the reply", replies(result), ["hello"]);
      same("changed", changes(result), [false]);
    },
  },
  {
    name: "hands on everything that a turn brings, with keys in any script",
    async run(kit) {
      const key = "ключ/鍵 🗝";
      const extra = { requestId: "req-1", metadata: { trace: "a b", "x-y": "ü" } };
      const outcome = only(
        await run(kit, key, [["context", undefined, extra]], { revision: 41, tags: { t: "1" } }),
      );
      const seen = valueOf(outcome.reply) as Record<string, unknown>;
      same("the key", seen["key"], key);
      same("the action", seen["action"], "context");
      same("the caller", [seen["caller"], seen["roles"]], ["kit-client", ["tester"]]);
      same("the metadata", sorted(seen["metadata"] as Record<string, string>), extra.metadata);
      same("the request id", seen["requestId"], "req-1");
      same("attempt, revision", [seen["attempt"], seen["revision"]], [1, 41]);
      same("the tags", seen["tags"], { t: "1" });
      same("time remains", seen["remaining"], true);
      if (seen["idempotencyKey"] === "") throw new Error("the idempotency key is empty");
      same("metadata of the reply", outcome.metadata, { seen: "yes" });
      same("changed", outcome.changed, false);
    },
  },
  {
    name: "sets and removes tags",
    async run(kit) {
      const tags = { old: "1", kept: "2" };
      const result = await run(kit, "a", [["tags", { set: { fresh: "3" }, remove: ["old"] }]], {
        tags,
      });
      same("changed", changes(result), [true]);
      same("the tags", sorted(result.tags), { fresh: "3", kept: "2" });
    },
  },
  {
    name: "asks for the removal of its state",
    async run(kit) {
      const result = await run(kit, "a", [["remove"]], { state: json({ count: 1 }) });
      same("the effect", only(result).effects, [{ kind: "delete", shred: false }]);
    },
  },
  { name: "writes every effect", run: checkEffects },
  { name: "calls other actors and passes their errors on", run: checkCalls },
];

function sorted(
  map: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  return map === undefined
    ? undefined
    : Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function checkEffects(kit: KitServer): Promise<void> {
  const { effects, changed } = only(await run(kit, "a", [["effects"]]));
  same("changed", changed, false);
  const shown = effects.map((effect) => {
    const payload = "payload" in effect ? { payload: valueOf(effect.payload) } : {};
    return { ...effect, ...payload };
  });
  const schedule = { kind: "schedule", action: "add", missed: "fire_once" };
  const wanted = [
    {
      kind: "send",
      target: actor("a"),
      action: "add",
      payload: 1,
      delayMs: 1500,
      metadata: { m: "1" },
      requestId: "r-1",
    },
    { kind: "forward", target: actor("b"), action: "get" },
    { kind: "pipe", target: actor("c"), action: "add" },
    {
      kind: "broadcast",
      channel: "kit-news",
      action: "heard",
      payload: { hot: true },
      metadata: {},
    },
    { ...schedule, name: "tick", payload: 1, when: { kind: "every", ms: 60_000 } },
    { ...schedule, name: "once", payload: 2, when: { kind: "delay", ms: 2500 } },
    { ...schedule, name: "then", payload: 3, when: { kind: "at", epochMs: 1_900_000_000_500 } },
    {
      ...schedule,
      name: "noon",
      payload: 4,
      when: { kind: "cron", cron: "0 12 * * *", timeZone: "Europe/Berlin" },
      missed: "skip",
    },
    { kind: "cancel", name: "tock" },
    { kind: "checkpoint" },
  ];
  same("the number of effects", shown.length, wanted.length);
  for (const [at, effect] of wanted.entries()) {
    for (const [field, value] of Object.entries(effect)) {
      same(`${field} of effect ${at + 1}`, (shown[at] as Record<string, unknown>)[field], value);
    }
  }
}

async function checkCalls(kit: KitServer): Promise<void> {
  const call = (action: string, payload: unknown): Step => [
    "call",
    { type: "kit.counter", key: "callee", action, payload },
  ];
  const before = kit.actors.calls.length;
  const result = await run(kit, "caller", [
    call("add", 5),
    call("add", 2),
    call("fail", { code: "not_found", message: "no" }),
  ]);
  same("the replies", replies(result).slice(0, 2), [5, 7]);
  same("the failure", result.outcomes[2]?.failure?.code, "not_found");
  const [made] = kit.actors.calls.slice(before);
  same("the chain", made?.chain, [actor("caller")]);
  same("who calls", [made?.caller.id, made?.caller.actor], ["kit-client", actor("caller")]);
}

const FLOW: readonly Check[] = [
  {
    name: "answers 500 invocations that come at once, in batches",
    async run(kit) {
      await allCredit(kit);
      const link = newest(kit);
      const before = link.batches.length;
      const all = await Promise.all(
        Array.from({ length: 500 }, (_, at) => run(kit, `many-${at}`, [["add", at]])),
      );
      for (const [at, result] of all.entries()) same(`reply ${at}`, replies(result), [at]);
      const batches = link.batches.length - before;
      if (batches > 250)
        throw new Error(`500 results came in ${batches} frames; answer what is ready together`);
    },
  },
  {
    name: "a slow turn does not hold up other actors",
    shape: "attached",
    async run(kit) {
      const order: string[] = [];
      const slow = run(kit, "sleeper", [["slow", 300]]).then((result) => {
        order.push("slow");
        same("the reply", replies(result), ["done"]);
      });
      const quick = run(kit, "quick", [["get"]]).then(() => order.push("quick"));
      await Promise.all([slow, quick]);
      same("who was first", order, ["quick", "slow"]);
    },
  },
  {
    name: "gives back the credit of every turn, of failed ones too",
    async run(kit) {
      await allCredit(kit);
      const { firstCredit } = newest(kit);
      const steps: Step[] = [["add", 1], ["fail", { code: "x", message: "y" }], ["no-such-action"]];
      await Promise.all(
        Array.from({ length: firstCredit }, (_, at) => run(kit, `credit-${at}`, steps)),
      );
      await allCredit(kit);
    },
  },
  {
    name: "goes on when an invocation is taken back, and gives its credit back",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const lost = run(kit, "cancelled", [["slow", 3000]]).catch((error: unknown) => error);
      const [id] = link.running.keys();
      if (id === undefined) throw new Error("the invocation did not start");
      kit.gate.cancel(id);
      await lost;
      same("the next call", replies(await run(kit, "after", [["add", 1]])), [1]);
      await allCredit(kit);
    },
  },
  {
    name: "finishes running turns when the server drains, and attaches again",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const running = run(kit, "drained", [["slow", 300]]);
      link.link.drain();
      same("the running turn", replies(await running), ["done"]);
      await waitUntil(
        "the host leaves the draining server",
        () => link.lost !== undefined,
        RETURN_MS,
      );
      await waitUntil("the host attaches again", () => kit.gate.attached.length > 0, RETURN_MS);
      same("it serves", replies(await run(kit, "back", [["get"]])), [0]);
    },
  },
  {
    name: "attaches again when the connection is lost",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const running = run(kit, "lost", [["slow", 2000]]).catch((error: unknown) => error);
      link.link.close("the check ends the stream");
      const error = await running;
      same(
        "the running turn",
        error instanceof Error ? error.message : "an answer",
        "the check ends the stream",
      );
      await waitUntil("the host attaches again", () => kit.gate.attached.length > 0, RETURN_MS);
      same("it serves", replies(await run(kit, "again", [["add", 1]])), [1]);
    },
  },
];

/** Every check, in the order in which they run: the last ones end connections. */
export const CHECKS: readonly Check[] = [...CONTENT, ...FLOW];
