import { describe, expect, test } from "bun:test";
import type {
  AccessPolicy,
  AccessPolicyHost,
  AccessQuestion,
  Caller,
} from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { recordingHost } from "./support/recording-host.ts";

/** What the suite needs of an access policy. */
export interface AclSuiteOptions {
  readonly name: string;
  /** The policy, not yet started. */
  readonly create: (host: AccessPolicyHost) => AccessPolicy;
}

const KINDS = ["anonymous", "client", "host", "peer", "admin", "system"] as const;
const WORDS = [
  "alice",
  "bob",
  "order",
  "cart",
  "get",
  "set",
  "a/b",
  "",
  "*",
  "ünï",
  "x".repeat(300),
];

/** A caller of few names, so that rules are hit often. */
export function randomCaller(prng: Prng): Caller {
  const caller: Caller = {
    kind: prng.pick(KINDS),
    id: prng.pick(WORDS),
    roles: ["operator", "auditor"].filter(() => prng.below(3) === 0),
  };
  if (prng.below(3) > 0) return caller;
  const actor = { system: prng.pick(["s1", "s2"]), type: prng.pick(WORDS), key: prng.pick(WORDS) };
  return { ...caller, actor };
}

/** A question of few names. */
export function randomQuestion(prng: Prng): AccessQuestion {
  const caller = randomCaller(prng);
  const form = prng.below(10);
  if (form === 0) return { kind: "admin", caller, operation: prng.pick(["drain", "acl.reload"]) };
  if (form === 1) {
    const operation = prng.pick(["publish", "subscribe"] as const);
    return { kind: "channel", caller, channel: prng.pick(["news", "news.eu", "alarm"]), operation };
  }
  const target = { system: prng.pick(["s1", "s2"]), type: prng.pick(WORDS), key: prng.pick(WORDS) };
  return { kind: "invoke", caller, target, action: prng.pick(WORDS) };
}

/** Everything that an access policy promises, whatever its rules. */
export function aclSuite(options: AclSuiteOptions): void {
  const open = async () => {
    const policy = options.create(recordingHost());
    await policy.start?.(new AbortController().signal);
    return policy;
  };
  const close = async (policy: AccessPolicy) => policy.stop?.(new AbortController().signal);

  describe(`acl ${options.name}`, () => {
    test("answers 5,000 random questions at once, each naming its rule", async () => {
      const policy = await open();
      const prng = new Prng(21);
      for (let round = 0; round < 5_000; round += 1) {
        const decision = policy.decide(randomQuestion(prng));
        expect(typeof decision.allowed).toBe("boolean");
        expect(decision.rule).not.toBe("");
      }
      await close(policy);
    });

    test("the same question has the same answer, in any order and from another instance", async () => {
      const policy = await open();
      const other = await open();
      const prng = new Prng(22);
      const questions = Array.from({ length: 1_000 }, () => randomQuestion(prng));
      const first = questions.map((question) => policy.decide(question));
      const again = [...questions].reverse().map((question) => policy.decide(question));
      expect(again.reverse()).toEqual(first);
      expect(questions.map((question) => other.decide(structuredClone(question)))).toEqual(first);
      await close(policy);
      await close(other);
    });

    test("a started policy has a generation, and it stays while nothing is reloaded", async () => {
      const policy = await open();
      const { generation } = policy;
      expect(generation).toBeGreaterThan(0);
      policy.decide(randomQuestion(new Prng(1)));
      expect(policy.generation).toBe(generation);
      await close(policy);
    });

    test("stopping twice, or without a start, is harmless", async () => {
      const policy = await open();
      await close(policy);
      await close(policy);
      await close(options.create(recordingHost()));
    });

    test("warnings are one line each", async () => {
      const policy = await open();
      for (const warning of policy.warnings?.() ?? []) expect(warning).toMatch(/^\S.*$/);
      await close(policy);
    });
  });
}
