import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";

test("now never goes back and has fractions", () => {
  const readings = Array.from({ length: 1000 }, () => systemClock.now());
  expect(readings.every((value, i) => i === 0 || value >= (readings[i - 1] ?? 0))).toBe(true);
  expect(readings.some((value) => !Number.isInteger(value))).toBe(true);
});

test("the wall clock counts milliseconds since 1970", () => {
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(1000);
});

test("a timer runs once, and not at all when it is taken back", async () => {
  const fired: string[] = [];
  const takeBack = systemClock.setTimer(1, () => fired.push("taken back"));
  takeBack();
  await new Promise<void>((resolve) => {
    systemClock.setTimer(5, () => {
      fired.push("kept");
      resolve();
    });
  });
  takeBack();
  expect(fired).toEqual(["kept"]);
});

test("defer runs after the microtasks of this turn", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.defer(() => {
      order.push("deferred");
      resolve();
    });
    queueMicrotask(() => order.push("microtask"));
    order.push("now");
  });
  expect(order).toEqual(["now", "microtask", "deferred"]);
});
