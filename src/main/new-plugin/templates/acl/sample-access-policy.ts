import type { AccessDecision, AccessPolicy, AccessQuestion } from "../../../../contract/index.ts";

const LISTED: AccessDecision = Object.freeze({ allowed: true, rule: "listed caller" });
const NO_MATCH: AccessDecision = Object.freeze({ allowed: false, rule: "no match" });

/** Allows the callers of one list; what no rule allows is denied. */
export class SampleAccessPolicy implements AccessPolicy {
  readonly generation = 1;
  readonly #callers: ReadonlySet<string>;

  constructor(callers: readonly string[]) {
    this.#callers = new Set(callers);
  }

  decide(question: AccessQuestion): AccessDecision {
    return this.#callers.has(question.caller.id) ? LISTED : NO_MATCH;
  }
}
