import { expect, test } from "bun:test";
import type { AccessPolicy } from "../../../src/contract/index.ts";
import { aclSuite, randomQuestion } from "../../../test/conformance/acl.suite.ts";
import { Prng } from "../../../test/support/prng.ts";
import plugin from "./plugin.ts";

aclSuite({ name: plugin.name, create: () => plugin.create() });

test("allows whatever is asked", () => {
  const policy: AccessPolicy = plugin.create();
  const prng = new Prng(1);
  for (let round = 0; round < 100; round += 1) {
    expect(policy.decide(randomQuestion(prng))).toEqual({ allowed: true, rule: "allow-all" });
  }
});
