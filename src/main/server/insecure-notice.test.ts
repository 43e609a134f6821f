import { expect, test } from "bun:test";
import { keptLog } from "../../../test/support/edge-server.ts";
import type { Clock } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { repeatInsecure } from "./insecure-notice.ts";

test("a protection that is off is said each minute until the end", () => {
  const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, callback) => {
      timers.push({ delayMs, callback });
      return () => void timers.splice(0);
    },
  };
  const said: string[] = [];
  const warn = (key: string) => ({ key, source: { kind: "default" }, message: key }) as const;
  const stop = repeatInsecure([warn("port"), warn("encryption")], clock, keptLog(said));
  expect(said).toEqual([]);
  timers.shift()?.callback();
  timers.shift()?.callback();
  expect(said).toEqual(["config.insecure", "config.insecure"]);
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([60_000]);
  stop();
  expect(timers).toEqual([]);
  repeatInsecure([warn("port")], clock, keptLog(said));
  expect(timers).toEqual([]);
});
