import type { AccessDecision, AccessPolicy } from "../../../src/contract/index.ts";

const ALLOWED: AccessDecision = Object.freeze({ allowed: true, rule: "allow-all" });

/** Says yes to everyone. */
export class AllowAllAccessPolicy implements AccessPolicy {
  readonly generation = 1;

  decide(): AccessDecision {
    return ALLOWED;
  }
}
