import { expect, test } from "bun:test";
import { guardExit } from "./exit-guard.ts";

test("an exit throws and is heard of while the guard is set, and is itself again afterwards", () => {
  const original = process.exit;
  const codes: unknown[] = [];
  const release = guardExit((code) => codes.push(code));
  try {
    expect(() => process.exit(42)).toThrow("process.exit is not for plug-ins");
  } finally {
    release();
  }
  expect(codes).toEqual([42]);
  expect(process.exit).toBe(original);
});

test("a guard that was replaced meanwhile leaves its successor alone", () => {
  const original = process.exit;
  const outer = guardExit(() => undefined);
  const inner = guardExit(() => undefined);
  outer();
  expect(() => process.exit(1)).toThrow();
  inner();
  process.exit = original;
});
