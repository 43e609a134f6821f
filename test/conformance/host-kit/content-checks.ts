import type { Payload } from "../../../src/domain/invocation.ts";
import {
  actor,
  changes,
  type Check,
  newest,
  only,
  replies,
  run,
  same,
  type Step,
} from "./check-steps.ts";
import { json, valueOf } from "./kit-actors.ts";
import type { KitServer } from "./kit-server.ts";

async function echoed(kit: KitServer, payload: Payload): Promise<void> {
  const id = actor("echo");
  const { reply } = only(await kit.actors.run(id, [kit.actors.turn(id, "echo", payload)]));
  same("the type", reply.type, payload.type);
  if (Buffer.compare(reply.data, payload.data) !== 0)
    throw new Error("the bytes came back changed");
}

/** What single invocations come to. */
export const CONTENT_CHECKS: readonly Check[] = [
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
