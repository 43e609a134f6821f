import { expect, test } from "bun:test";
import { assert, InvariantError, unreachable } from "./assert.ts";

test("a condition that holds passes, another names the invariant", () => {
  expect(() => assert(true, "one is one")).not.toThrow();
  expect(() => assert(false, "one is two")).toThrow(new InvariantError("one is two"));
});

test("what the compiler holds for impossible is an invariant error with the value", () => {
  expect(() => unreachable("purple" as never, "colour")).toThrow("colour: purple");
});
