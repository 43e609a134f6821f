import { expect, test } from "bun:test";
import { keptLog } from "../../test/support/edge-server.ts";
import { EchoActors } from "../../test/support/echo-actors.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { ANONYMOUS, NEVER } from "../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import { systemClock } from "../platform/clock.ts";
import { Calls } from "./calls.ts";
import { BLANK_CALL } from "./invoke-call.ts";
import { LoggedInstruments } from "./logged-instruments.ts";

const nothing = (): void => undefined;

test("an answer that cannot be written is told as that, and nothing escapes", async () => {
  const quiet = { observe: nothing, rejected: nothing, aborted: nothing };
  const calls = new Calls(
    new EchoActors(),
    { limits: DEFAULT_LIMITS, clock: systemClock },
    new LoggedInstruments(quiet, keptLog([]), systemClock),
  );
  const call = { ...BLANK_CALL, type: "counter", key: "k", action: "add" };
  const channel = { caller: ANONYMOUS, timeoutMs: 1_000, traceparent: "", tracestate: "" };
  const told: string[] = [];
  calls.run("Invoke", call, channel, NEVER, {
    reply: () => {
      throw new URIError("a lone surrogate");
    },
    refuse: ({ code }) => {
      told.push(code);
      throw new Error("nor this");
    },
  });
  await waitUntil("the end is told", () => told.length > 0);
  expect(told).toEqual(["internal.bug"]);
  expect(calls.inFlight).toBe(0);
});
