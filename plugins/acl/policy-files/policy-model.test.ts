import { describe, expect, test } from "bun:test";
import type { AccessQuestion, ActorId, Caller } from "../../../src/contract/index.ts";
import { Prng } from "../../../test/support/prng.ts";
import { randomQuestion } from "../../../test/conformance/acl.suite.ts";
import { loadPolicies } from "./load-policies.ts";
import { Pattern } from "./pattern.ts";
import { PolicySet } from "./policy-set.ts";

/** A policy as it stands in a file. */
interface Raw {
  readonly name: string;
  readonly effect: string;
  readonly callers: readonly string[];
  readonly targets?: readonly string[];
  readonly types?: readonly string[];
  readonly actions?: readonly string[];
  readonly channels?: readonly string[];
  readonly admin?: readonly string[];
}

// The model: the language once more, without compilation, order or memory.

function glob(pattern: string, value: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`, "u").test(value);
}

function fitsActor(pattern: string, actor: ActorId): boolean {
  if (pattern === "*") return true;
  const parts = pattern.split("/");
  if (parts.length === 2) parts.unshift("*");
  const [system = "", type = "", ...key] = parts;
  return glob(system, actor.system) && glob(type, actor.type) && glob(key.join("/"), actor.key);
}

function fitsCaller(pattern: string, caller: Caller): boolean {
  if (pattern === "*") return true;
  const rest = pattern.slice(pattern.indexOf(":") + 1);
  if (pattern.startsWith("role:")) return caller.roles.some((role) => glob(rest, role));
  if (pattern.startsWith("actor:"))
    return caller.actor !== undefined && fitsActor(rest, caller.actor);
  return glob(pattern, `${caller.kind}:${caller.id}`);
}

function fitsSubject(rule: Raw, question: AccessQuestion): boolean {
  switch (question.kind) {
    case "invoke":
      return (
        (rule.actions ?? []).some((action) => glob(action, question.action)) &&
        (rule.types ?? ["*"]).some((type) => glob(type, question.target.type)) &&
        (rule.targets ?? ["*"]).some((target) => fitsActor(target, question.target))
      );
    case "channel":
      return (rule.channels ?? []).some(
        (channel) =>
          glob(channel, question.channel) ||
          glob(channel, `${question.operation}:${question.channel}`),
      );
    case "admin":
      return (rule.admin ?? []).some((operation) => glob(operation, question.operation));
  }
}

function model(rules: readonly Raw[], question: AccessQuestion) {
  const holding = rules.filter(
    (rule) =>
      fitsSubject(rule, question) && rule.callers.some((each) => fitsCaller(each, question.caller)),
  );
  const denial = holding.find((rule) => rule.effect === "deny");
  const permission = holding.find((rule) => rule.effect === "allow");
  return {
    allowed: denial === undefined && permission !== undefined,
    rule: (denial ?? permission)?.name ?? "(no match)",
  };
}

function randomRule(prng: Prng, at: number): Raw {
  const some = (items: readonly string[]) => [prng.pick(items), prng.pick(items)];
  const callers = some([
    "*",
    "client:*",
    "client:alice",
    "host:*b",
    "role:operator",
    "role:a*",
    "actor:order/*",
    "actor:s1/*/a*",
    "anonymous:*",
  ]);
  const rule = { name: `rule-${at}`, effect: prng.pick(["allow", "allow", "deny"]), callers };
  const form = prng.below(8);
  if (form === 0) return { ...rule, admin: some(["*", "drain", "acl.*"]) };
  if (form === 1) return { ...rule, channels: some(["*", "news*", "publish:news", "subscribe:*"]) };
  const actions = some(["*", "get", "s*t", "*e*"]);
  return {
    ...rule,
    actions,
    ...(prng.below(3) === 0 ? { types: some(["order", "c*", "*"]) } : {}),
    ...(prng.below(2) === 0
      ? { targets: some(["*", "order/*", "*/a*", "s1/order/bob", "s2/*/a/b", "*/*/*b"]) }
      : {}),
  };
}

test("the policy set agrees with the model on 20,000 random pairs of rules and question", () => {
  const prng = new Prng(99);
  let allowed = 0;
  for (let set = 0; set < 500; set += 1) {
    const rules = Array.from({ length: 1 + prng.below(8) }, (_, at) => randomRule(prng, at));
    const text = JSON.stringify({ roles: ["operator", "auditor"], policies: rules });
    const loaded = loadPolicies([{ path: "p.json", text }]);
    if (loaded.kind === "refused") throw new Error(JSON.stringify(loaded.problems));
    const policies = new PolicySet(loaded.rules);
    for (let round = 0; round < 40; round += 1) {
      const question = randomQuestion(prng);
      const decision = policies.decide(question);
      if (decision.allowed) allowed += 1;
      expect({ rules, question, ...decision }).toEqual({
        rules,
        question,
        ...model(rules, question),
      });
    }
  }
  // The test would prove little if nearly everything were denied, or allowed.
  expect(allowed).toBeGreaterThan(3_000);
  expect(allowed).toBeLessThan(15_000);
});

describe("patterns", () => {
  test("agree with regular expressions on 20,000 random texts", () => {
    const prng = new Prng(7);
    const text = (alphabet: string, longest: number) =>
      Array.from({ length: prng.below(longest) }, () => prng.pick([...alphabet])).join("");
    for (let round = 0; round < 20_000; round += 1) {
      const pattern = text("ab*", 7).replace(/\*+/g, "*");
      const value = text("ab", 8);
      expect([pattern, value, new Pattern(pattern).matches(value)]).toEqual([
        pattern,
        value,
        glob(pattern, value),
      ]);
    }
  });

  test("a pattern made to be slow is quick", () => {
    expect(new Pattern("a*".repeat(100)).matches("a".repeat(99_999))).toBe(true);
    expect(new Pattern(`${"a*".repeat(100)}b`).matches("a".repeat(99_999))).toBe(false);
  });
});
