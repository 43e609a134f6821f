import { expect, test } from "bun:test";
import { Hooks } from "./hooks.ts";

function build() {
  const timers: (() => void)[] = [];
  const log: string[] = [];
  const note = (event: string, fields?: Readonly<Record<string, unknown>>) =>
    void log.push(`${event} ${String(fields?.["handler"])}`);
  const clock = {
    setTimer(_: number, callback: () => void) {
      timers.push(callback);
      return () => undefined;
    },
  };
  return { hooks: new Hooks(clock, { info: note, warn: note, error: note }), timers, log };
}

const EVENT = { nodeName: "n1" };

test("handlers are called by priority, then in the order they came", () => {
  const { hooks } = build();
  const seen: string[] = [];
  hooks.on("node.ready", () => void seen.push("second"), { name: "a" });
  hooks.on("node.ready", () => void seen.push("third"), { name: "b" });
  const off = hooks.on("node.ready", () => void seen.push("first"), { name: "c", priority: 9 });
  expect(hooks.emit("node.ready", EVENT)).toBeUndefined();
  expect(seen).toEqual(["first", "second", "third"]);
  off();
  off();
  void hooks.emit("node.ready", EVENT);
  expect(seen).toHaveLength(5);
});

test("a handler that throws, rejects or hangs is counted by name and harms nobody", async () => {
  const { hooks, timers, log } = build();
  const seen: string[] = [];
  const thrower = () => {
    throw new Error("no");
  };
  hooks.on("node.ready", thrower, { name: "thrower", priority: 2 });
  hooks.on("node.ready", () => Promise.reject(undefined), { name: "rejecter", priority: 1 });
  hooks.on("node.ready", () => new Promise<void>(() => undefined), { name: "hanger" });
  hooks.on("node.ready", (event) => void seen.push(event.nodeName), { name: "last" });
  const settled = hooks.emit("node.ready", EVENT);
  expect(seen).toEqual(["n1"]);
  await Promise.resolve();
  for (const fire of timers) fire();
  await settled;
  expect(Object.fromEntries(hooks.failures())).toEqual({ thrower: 1, rejecter: 1, hanger: 1 });
  expect(log).toEqual(["hook_failed thrower", "hook_failed rejecter", "hook_timeout hanger"]);
});

test("an event cannot be changed by those who hear of it", () => {
  const { hooks } = build();
  const event = { nodeName: "n1" };
  hooks.on("node.ready", (heard) => void Object.assign(heard, { nodeName: "n2" }), {
    name: "writer",
  });
  void hooks.emit("node.ready", event);
  expect(event.nodeName).toBe("n1");
  expect(hooks.failures().get("writer")).toBe(1);
});
