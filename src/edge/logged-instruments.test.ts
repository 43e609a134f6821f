import { expect, test } from "bun:test";
import { keptLog } from "../../test/support/edge-server.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { ServerError } from "../domain/error.ts";
import { LoggedInstruments } from "./logged-instruments.ts";

test("every refusal is counted, and ten a second of each kind are logged", () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  let counted = 0;
  const nothing = (): void => undefined;
  const inner = { observe: nothing, aborted: nothing, rejected: () => void (counted += 1) };
  const instruments = new LoggedInstruments(inner, keptLog(lines), clock);
  const bug = new ServerError("internal.bug", "an internal error occurred", "unknown");
  const busy = new ServerError("mailbox.full", "the mailbox is full", "not_started");
  for (let count = 0; count < 25; count += 1) {
    instruments.rejected("rpc", "ID_EMPTY");
    instruments.failed("rpc", bug);
    instruments.failed("rpc", busy);
  }
  instruments.rejected("rpc", "DEPTH");
  const of = (line: string): number => lines.filter((one) => one === line).length;
  expect([counted, of("rpc.rejected"), of("rpc.failed")]).toEqual([26, 11, 10]);
  clock.advance(1_000);
  instruments.rejected("rpc", "ID_EMPTY");
  expect(of("rpc.rejected")).toBe(12);
});
