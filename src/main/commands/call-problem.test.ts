import { expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema, Outcome } from "../../gen/troupe/v1/invocation_pb.ts";
import { callProblem } from "./call-problem.ts";

test.each([
  [Code.Aborted, Outcome.NOT_APPLIED, 75, "it reached the actor, and nothing of it was kept"],
  [Code.Unavailable, Outcome.NOT_STARTED, 69, "it never reached the actor and may be repeated"],
  [Code.DataLoss, Outcome.NOT_STARTED, 65, "it is as it was, and a repeat does not help"],
  [Code.NotFound, Outcome.NOT_STARTED, 1, "/statusz of its admin address"],
])("code %i with outcome %i ends with %i and says what to do", (code, outcome, exit, hint) => {
  const detail = { desc: ErrorDetailSchema, value: { code: "any", outcome } };
  const problem = callProblem(new ConnectError("why", code, undefined, [detail]), "http://here");
  expect(problem.exit).toBe(exit);
  expect(problem.hint).toContain(hint);
});
