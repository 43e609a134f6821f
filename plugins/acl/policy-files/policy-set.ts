import type {
  AccessDecision,
  AccessQuestion,
  ActorId,
  Caller,
} from "../../../src/contract/index.ts";
import type { Pattern } from "./pattern.ts";
import { meansActor, meansCaller, type PolicyRule, principalOf } from "./policy-rule.ts";

/** Most (caller, type, action) combinations that are remembered; then all are forgotten. */
const MAX_REMEMBERED = 10_000;

/** The answer when no rule speaks; no rule can have this name. */
const NO_MATCH: AccessDecision = Object.freeze({ allowed: false, rule: "(no match)" });

/** A rule that holds for a caller, type and action, if its target condition does too. */
interface Candidate {
  readonly rule: PolicyRule;
  readonly decision: AccessDecision;
  /** False if every key of the type is meant. */
  readonly dependsOnKey: boolean;
}

/**
 * The rules of one generation. Denials are asked before permissions, each in the order of the files;
 * the first that holds decides, and what none allows is denied.
 */
export class PolicySet {
  readonly rules: readonly PolicyRule[];
  readonly #ordered: readonly PolicyRule[];
  readonly #remembered = new Map<string, readonly Candidate[]>();

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    this.#ordered = [
      ...rules.filter((rule) => rule.effect === "deny"),
      ...rules.filter((rule) => rule.effect === "allow"),
    ];
  }

  decide(question: AccessQuestion): AccessDecision {
    switch (question.kind) {
      case "invoke":
        return this.#decideCall(question.caller, question.target, question.action);
      case "channel":
        return this.#first(question.caller, (rule) =>
          rule.channels.some(
            ({ operation, channel }) =>
              (operation === undefined || operation === question.operation) &&
              channel.matches(question.channel),
          ),
        );
      case "admin":
        return this.#first(question.caller, (rule) => anyMatches(rule.admin, question.operation));
    }
  }

  #decideCall(caller: Caller, target: ActorId, action: string): AccessDecision {
    const question = rememberedAs(caller, target, action);
    let candidates = this.#remembered.get(question);
    if (candidates === undefined) {
      candidates = this.#candidates(caller, target, action);
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(question, candidates);
    }
    for (const { rule, decision, dependsOnKey } of candidates) {
      if (!dependsOnKey || rule.targets.some((each) => meansActor(each, target))) return decision;
    }
    return NO_MATCH;
  }

  /** Rules that may decide for some key, up to the first that decides for every key. */
  #candidates(caller: Caller, target: ActorId, action: string): readonly Candidate[] {
    const found: Candidate[] = [];
    const principal = principalOf(caller);
    for (const rule of this.#ordered) {
      if (!anyMatches(rule.actions, action)) continue;
      if (rule.types.length > 0 && !anyMatches(rule.types, target.type)) continue;
      if (!meansCaller(rule.callers, caller, principal)) continue;
      const targets = rule.targets.filter(
        ({ system, type }) => system.matches(target.system) && type.matches(target.type),
      );
      if (targets.length === 0) continue;
      const dependsOnKey = !targets.some(({ key }) => key.matchesAll);
      found.push({ rule, decision: decisionOf(rule), dependsOnKey });
      if (!dependsOnKey) break;
    }
    return found;
  }

  #first(caller: Caller, applies: (rule: PolicyRule) => boolean): AccessDecision {
    const principal = principalOf(caller);
    const rule = this.#ordered.find(
      (each) => applies(each) && meansCaller(each.callers, caller, principal),
    );
    return rule === undefined ? NO_MATCH : decisionOf(rule);
  }
}

/** Everything a decision depends on but the key, joined so that no two questions share a text. */
function rememberedAs(caller: Caller, target: ActorId, action: string): string {
  const roles = caller.roles.length === 0 ? "" : JSON.stringify(caller.roles);
  const { actor } = caller;
  const via = actor === undefined ? "" : JSON.stringify([actor.system, actor.type, actor.key]);
  const subject = `${caller.kind}\0${caller.id.length}\0${caller.id}\0${roles}\0${via}`;
  return `${subject}\0${target.system.length}\0${target.system}\0${target.type.length}\0${target.type}\0${action}`;
}

function anyMatches(patterns: readonly Pattern[], value: string): boolean {
  return patterns.some((pattern) => pattern.matches(value));
}

function decisionOf(rule: PolicyRule): AccessDecision {
  return { allowed: rule.effect === "allow", rule: rule.name };
}
