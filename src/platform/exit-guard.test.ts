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

test("guards may be released in any order, and none of them stays", () => {
  const original = process.exit;
  const ended: unknown[] = [];
  const end = (code?: unknown): never => {
    ended.push(code);
    throw new Error("the process has ended");
  };
  process.exit = end;
  try {
    const outer = guardExit(() => undefined);
    const inner = guardExit(() => undefined);
    outer();
    expect(() => process.exit(1)).toThrow("not for plug-ins");
    inner();
    expect(() => process.exit(2)).toThrow("the process has ended");
  } finally {
    process.exit = original;
  }
  expect(ended).toEqual([2]);
});
