import { firstOk, type Op } from "../history.ts";
import type { Violation } from "../violation.ts";

/** Each attempt has at most one answer, equal calls have equal answers, and abuse is refused. */
export function checkReplies(ops: readonly Op[]): readonly Violation[] {
  const found: Violation[] = [];
  const wrong = (message: string): void => void found.push({ checker: "replies", message });
  for (const op of ops) {
    const first = firstOk(op);
    if (op.isAbuse && first !== undefined) {
      wrong(`${op.id} was answered under the request id of ${op.requestId}`);
    }
    for (const { heard, node } of op.attempts) {
      if (heard.length > 1) wrong(`${op.id} was answered ${heard.length} times by ${node}`);
      for (const answer of heard) {
        if (answer.kind !== "ok" || first === undefined || op.requestId === "") continue;
        const same =
          answer.revision === first.revision &&
          JSON.stringify(answer.value) === JSON.stringify(first.value);
        if (!same) wrong(`${op.id} was answered in two ways`);
      }
    }
  }
  return found;
}
