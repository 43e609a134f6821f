import { expect } from "bun:test";
import type { ClientReport } from "../clients/client-report.ts";

const SERVING = 1;

/** What every client must have seen; a browser cannot stream both ways. */
export function expectReport(report: ClientReport, { bidi }: { readonly bidi: boolean }): void {
  const { streamed, deadline, canceled, ...rest } = report;
  expect(rest).toEqual({
    values: [1, 1],
    replayed: [false, true],
    watched: [{ count: 1 }, { count: 3 }],
    health: SERVING,
    watchedHealth: [SERVING],
    unknown: ["NotFound", "NOT_STARTED"],
    invalid: ["InvalidArgument", "NOT_APPLIED"],
    state: { count: 3 },
  });
  // The client's own clock may be the first to say it, and it knows of no outcome.
  expect(deadline[0]).toBe("DeadlineExceeded");
  expect(canceled[0]).toBe("Canceled");
  expect([...(streamed ?? [])].sort((a, b) => Number(a) - Number(b))).toEqual(
    bidi ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [],
  );
}
