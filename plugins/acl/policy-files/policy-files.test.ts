import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AccessQuestion, Caller } from "../../../src/contract/index.ts";
import { aclSuite } from "../../../test/conformance/acl.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import plugin from "./plugin.ts";

const ALICE: Caller = { kind: "client", id: "alice", roles: [] };

const POLICIES = `
roles: [operator]
policies:
  - {name: all-get, effect: allow, callers: ["*"], actions: [get]}
  - {name: carts, effect: allow, callers: ["client:*"], types: [cart], actions: ["*"]}
  - {name: no-bob, effect: deny, callers: ["client:bob"], actions: ["*"]}
  - {name: ops, effect: allow, callers: ["role:operator"], admin: ["*"], channels: ["publish:news*"]}
`;

const fixture = tempDir();
writeFileSync(join(fixture.path, "p.yaml"), POLICIES);
afterAll(() => fixture[Symbol.dispose]());

aclSuite({
  name: plugin.name,
  create: (host) => plugin.create({ paths: [fixture.path] }, host),
});

/** Asks whether `caller` may do `action` on `type/key`. */
function call(caller: Caller, target: string, action: string): AccessQuestion {
  const [type = "", key = ""] = target.split("/");
  return { kind: "invoke", caller, target: { system: "shop", type, key }, action };
}

/** A started policy over these files, by name. */
async function open(files: Readonly<Record<string, string | Uint8Array>>, folder: string) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const host = recordingHost();
  const policy = plugin.create({ paths: [folder] }, host);
  await policy.start();
  return { policy, host };
}

/** The reason and text with which a start over these files is refused. */
async function refusal(files: Readonly<Record<string, string | Uint8Array>>) {
  using folder = tempDir();
  const error: unknown = await open(files, folder.path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { message, details } = error as { message: string; details: Record<string, unknown> };
  return { message, reason: details["reason"], exitCode: details["exitCode"] };
}

describe("decisions", () => {
  test("deny wins over allow, whichever comes first, and names its rule", async () => {
    using folder = tempDir();
    const { policy } = await open({ "p.yaml": POLICIES }, folder.path);
    const bob: Caller = { ...ALICE, id: "bob" };
    expect(policy.decide(call(bob, "cart/1", "get"))).toEqual({ allowed: false, rule: "no-bob" });
    expect(policy.decide(call(ALICE, "cart/1", "set"))).toEqual({ allowed: true, rule: "carts" });
    expect(policy.decide(call(ALICE, "order/1", "set"))).toEqual({
      allowed: false,
      rule: "(no match)",
    });
    await policy.stop();
  });

  test("administration and channels are asked by their own lists", async () => {
    using folder = tempDir();
    const { policy } = await open({ "p.yaml": POLICIES }, folder.path);
    const operator: Caller = { ...ALICE, roles: ["operator"] };
    const publish = { kind: "channel", caller: operator, channel: "news.eu" } as const;
    expect(policy.decide({ kind: "admin", caller: operator, operation: "drain" }).allowed).toBe(
      true,
    );
    expect(policy.decide({ kind: "admin", caller: ALICE, operation: "drain" }).allowed).toBe(false);
    expect(policy.decide({ ...publish, operation: "publish" }).allowed).toBe(true);
    expect(policy.decide({ ...publish, operation: "subscribe" }).allowed).toBe(false);
    await policy.stop();
  });

  test("a target with a key is kept apart from other keys of its type", async () => {
    using folder = tempDir();
    const text = `{"policies": [
      {"name": "one", "effect": "allow", "callers": ["*"], "targets": ["order/1"], "actions": ["*"]},
      {"name": "x", "effect": "deny", "callers": ["actor:cart/*"], "targets": ["*"], "actions": ["*"]}]}`;
    const { policy } = await open({ "p.json": text }, folder.path);
    const cart = { system: "shop", type: "cart", key: "9" };
    expect(policy.decide(call(ALICE, "order/1", "get")).allowed).toBe(true);
    expect(policy.decide(call(ALICE, "order/2", "get")).allowed).toBe(false);
    expect(policy.decide(call({ ...ALICE, actor: cart }, "order/1", "get")).rule).toBe("x");
    await policy.stop();
  });

  test("denies everything before it has started", () => {
    const policy = plugin.create({ paths: ["/nowhere"] }, recordingHost());
    expect(policy.decide(call(ALICE, "order/1", "get")).allowed).toBe(false);
  });
});

describe("Spawn's policy files", () => {
  const joe: Caller = { ...ALICE, actor: { system: "spawn-system", type: "user", key: "joe" } };
  const deny = "type: deny\nactors: joe:robert\nactions: *\nactor_systems: spawn-system\n";
  const all = 'name: everyone\ntype: "allow"\nactors: *\nactions: get:set\nactor_systems: *\n';

  test("a denial denies what it names and grants nothing", async () => {
    using folder = tempDir();
    const { policy } = await open({ "no-joe.policy": deny }, folder.path);
    expect(policy.decide(call(joe, "a/1", "get"))).toEqual({ allowed: false, rule: "no-joe" });
    expect(policy.decide(call(ALICE, "a/1", "get"))).toEqual({
      allowed: false,
      rule: "(no match)",
    });
    await policy.stop();
  });

  test("a permission for all beside it does not revive what is denied", async () => {
    using folder = tempDir();
    const { policy } = await open({ "a.policy": deny, "b.policy": all }, folder.path);
    expect(policy.decide(call(joe, "a/1", "get")).rule).toBe("a");
    expect(policy.decide(call(ALICE, "a/1", "set")).rule).toBe("everyone");
    expect(policy.decide(call(ALICE, "a/1", "drop")).allowed).toBe(false);
    await policy.stop();
  });

  test("a client does not pass for the actor of its name", async () => {
    using folder = tempDir();
    const allow = "type: allow\nactors: joe\nactions: *\nactor_systems: *\n";
    const { policy } = await open({ "a.policy": allow }, folder.path);
    expect(policy.decide(call({ ...ALICE, id: "joe" }, "a/1", "get")).allowed).toBe(false);
    expect(policy.decide(call(joe, "a/1", "get")).allowed).toBe(true);
    await policy.stop();
  });

  test.each([
    ["type: alow\nactors: *\nactions: *\nactor_systems: *", "enum", ":1:1:"],
    ["actors: *\nactions: *\nactor_systems: *", "missing", "type is missing"],
    ["type: allow\nactors: *\nactor_systems: *", "missing", "actions is missing"],
    ["type: allow\n\nactor: *", "unknown_key", ":3:1:"],
    ["type: allow\ntype: deny", "duplicate", ":2:1:"],
    ["nonsense", "syntax", ":1:1:"],
    ["type: allow\nactors: *\nactor_systems: *\nactions: [get]", "glob", ":4:1:"],
    ["type: allow\nactors: *\nactor_systems: *\nactions: get, set", "charset", ":4:1:"],
    ["type: allow\nactors: *\nactor_systems: *\nactions: get::set", "empty_item", ":4:1:"],
  ])("%j is refused", async (text, reason, part) => {
    const refused = await refusal({ "p.policy": text });
    expect(refused.reason).toBe(reason);
    expect(refused.message).toContain(part);
  });
});

describe("files that are refused, each with its reason and place", () => {
  const rule = (fields: string) =>
    `policies:\n  - {name: a, effect: allow, callers: ["*"], actions: ["*"]}\n  - {name: b, ${fields}}\n`;

  test.each([
    ["a: [1\nb: 2", "syntax", /p\.yaml:\d+:\d+:/],
    ["- name: a", "type", "p.yaml:1:1:"],
    ["just text", "type", "p.yaml:1:1:"],
    ["", "type", "not a map"],
    [
      rule('type: alow, callers: ["*"], actions: ["*"]'),
      "enum",
      'p.yaml:3:21: effect is neither allow nor deny: "alow"',
    ],
    [rule('efect: allow, callers: ["*"], actions: ["*"]'), "unknown_key", "p.yaml:3:15"],
    [rule('effect: allow, type: deny, callers: ["*"], actions: ["*"]'), "conflict", "p.yaml:3"],
    [rule('effect: allow, callers: ["*"]'), "missing", "actions is missing"],
    [rule('effect: allow, actions: ["*"]'), "missing", "callers is missing"],
    [rule('callers: ["*"], actions: ["*"]'), "missing", "effect is missing"],
    [
      rule('effect: allow, callers: ["*"], actions: get'),
      "type",
      "p.yaml:3:55: actions is not a list",
    ],
    [rule('effect: allow, callers: ["*"], actions: []'), "empty_list", "actions"],
    [rule('effect: allow, callers: ["*"], actions: [""]'), "empty_item", "p.yaml:3"],
    [rule('effect: allow, callers: ["*"], actions: [5]'), "type", "an item of actions"],
    [rule('effect: allow, callers: ["*"], actions: [~]'), "type", "an item of actions"],
    [rule('effect: allow, callers: ["*"], actions: ["**"]'), "glob", "wildcard"],
    [rule('effect: allow, callers: ["*"], actions: ["a?"]'), "glob", "wildcard"],
    [rule('effect: allow, callers: ["*"], actions: ["[a-z]"]'), "glob", "wildcard"],
    [rule(`effect: allow, callers: ["*"], actions: ["${"x".repeat(10_240)}"]`), "too_long", "256"],
    [rule('effect: allow, callers: ["*"], actions: ["ge\u200bt"]'), "charset", "invisible"],
    [rule('effect: allow, callers: ["*"], actions: ["cafe\u0301"]'), "not_nfc", "normal form"],
    [
      rule('effect: allow, callers: ["robots:r2"], actions: ["*"]'),
      "unknown_principal",
      "robots:r2",
    ],
    [rule('effect: allow, callers: ["alice"], actions: ["*"]'), "unknown_principal", "alice"],
    [
      rule('effect: allow, callers: ["client:spiffe://td/../x"], actions: ["*"]'),
      "spiffe",
      "SPIFFE",
    ],
    [
      rule('effect: allow, callers: ["client:spiffe://td/x?y"], actions: ["*"]'),
      "spiffe",
      "SPIFFE",
    ],
    [rule('effect: allow, callers: ["role:ghost"], actions: ["*"]'), "unknown_role", "ghost"],
    [rule('effect: allow, callers: ["*"], targets: ["order"], actions: ["*"]'), "target", "order"],
    [
      rule('effect: allow, callers: ["*"], actions: ["*"], actions: ["get"]'),
      "duplicate",
      "p.yaml:3",
    ],
    [rule('effect: allow, callers: ["*"], actions: ["*"], name: "a b"'), "duplicate", "p.yaml:3"],
    ["include: http://example.com/p.yaml", "include_path", "p.yaml:1:1"],
    ["policies: &a [*a]", "alias", "aliases"],
    ["x: &a [1]\npolicies: *a", "alias", "p.yaml:2:11"],
    [`policies: ${"[".repeat(200_000)}`, "syntax", "nested too deeply"],
    [`policies:\n  ${"- ".repeat(100_000)}a`, "syntax", "nested too deeply"],
    ["a: ".repeat(60_000), "syntax", "nested too deeply"],
    [Array.from({ length: 500 }, (_, at) => `${" ".repeat(at)}a:`).join("\n"), "syntax", "deeply"],
  ])("%#: %.60j", async (text, reason, part) => {
    const refused = await refusal({ "p.yaml": text });
    expect(refused.reason).toBe(reason);
    expect(refused.exitCode).toBe(78);
    expect(refused.message).toMatch(part);
  });

  test("a name that another file has already", async () => {
    const text = "name: a\neffect: allow\ncallers: ['*']\nactions: [get]\n";
    const refused = await refusal({ "one.yaml": text, "two.yml": text });
    expect(refused.reason).toBe("duplicate");
    expect(refused.message).toMatch(/two\.yml:1:1.*one\.yaml:1/);
  });

  test("every problem of every file is listed at once", async () => {
    const refused = await refusal({ "a.yaml": "x: 1", "b.policy": "type: alow" });
    expect(refused.message).toMatch(/a\.yaml.*b\.policy.*alow/);
  });

  test("JSON has to be JSON", async () => {
    expect((await refusal({ "p.json": "policies: []" })).reason).toBe("syntax");
  });

  test("UTF-8 with a mark is taken, UTF-16 and Latin-1 are not", async () => {
    using folder = tempDir();
    const { policy } = await open({ "p.yaml": `\ufeff${POLICIES}` }, folder.path);
    expect(policy.generation).toBe(1);
    await policy.stop();
    const utf16 = new Uint8Array(Buffer.from(`\ufeff${POLICIES}`, "utf16le"));
    expect((await refusal({ "p.yaml": utf16 })).reason).toBe("encoding");
    const latin1 = new Uint8Array(Buffer.from("name: é", "latin1"));
    expect((await refusal({ "p.yaml": latin1 })).reason).toBe("encoding");
  });

  test("a file of 10 MB, another kind of file, an empty folder", async () => {
    const tooLarge = { "p.yaml": `#${" ".repeat(10 * 1024 * 1024)}` };
    expect((await refusal(tooLarge)).reason).toBe("too_large");
    expect((await refusal({ "p.yaml.bak": "" })).reason).toBe("extension");
    expect((await refusal({})).reason).toBe("policy_missing");
  });

  test("a folder that is missing, links in a circle, what cannot be read", async () => {
    using folder = tempDir();
    symlinkSync(join(folder.path, "b.yaml"), join(folder.path, "a.yaml"));
    symlinkSync(join(folder.path, "a.yaml"), join(folder.path, "b.yaml"));
    const circle = plugin.create({ paths: [folder.path] }, recordingHost());
    await expect(circle.start()).rejects.toMatchObject({ details: { reason: "symlink" } });
    const missing = plugin.create({ paths: [join(folder.path, "none")] }, recordingHost());
    await expect(missing.start()).rejects.toMatchObject({ details: { reason: "policy_missing" } });
    using other = tempDir();
    mkdirSync(join(other.path, "p.yaml"));
    const unreadable = plugin.create({ paths: [other.path] }, recordingHost());
    await expect(unreadable.start()).rejects.toMatchObject({
      details: { reason: "policy_unreadable" },
    });
  });
});

describe("reload", () => {
  test("a new set comes into force at once, a bad file leaves the old one and raises an alarm", async () => {
    using folder = tempDir();
    const { policy, host } = await open({ "p.yaml": POLICIES }, folder.path);
    const tick = async (done: () => boolean) =>
      waitUntil("the policy files are looked at", async () => {
        await host.clock.advance(1_000);
        return done();
      });
    writeFileSync(join(folder.path, "p.yaml"), POLICIES.slice(0, -30));
    await tick(() => host.recorded.counts.get("reload_rejected_total") === 1);
    expect(policy.generation).toBe(1);
    expect(policy.decide(call({ ...ALICE, id: "bob" }, "cart/1", "get")).rule).toBe("no-bob");
    expect(host.recorded.reports.at(-1)?.health).toBe("degraded");
    expect(host.recorded.logs.at(-1)).toMatchObject({
      level: "error",
      event: "acl.reload_rejected",
    });

    writeFileSync(join(folder.path, "p.yaml"), POLICIES.replace("[cart]", "[order]"));
    await tick(() => policy.generation === 2);
    expect(policy.decide(call(ALICE, "order/1", "set")).rule).toBe("carts");
    expect(policy.decide(call(ALICE, "cart/1", "set")).allowed).toBe(false);
    expect(host.recorded.reports.at(-1)?.health).toBe("ok");
    expect(host.recorded.counts.get("reload_rejected_total")).toBe(1);
    await policy.stop();
    expect(host.clock.pending).toBe(0);
  });
});

test("rules that never decide, or open all to all, are warned of", async () => {
  using folder = tempDir();
  const text = `policies:
  - {name: no-bobs, effect: deny, callers: ["client:bob*"], actions: ["*"]}
  - {name: bobby, effect: allow, callers: ["client:bobby"], types: [cart], actions: [get]}
  - {name: open, effect: allow, callers: ["*"], actions: ["*"]}
  - {name: fine, effect: allow, callers: ["client:bob*", "client:al"], actions: [get]}
`;
  const { policy } = await open({ "p.yaml": text }, folder.path);
  expect(policy.warnings()).toEqual([
    "acl.shadowed: policy bobby never allows, as no-bobs denies all of it",
    "acl.world_open: policy open allows every call of anyone",
  ]);
  await policy.stop();
});

test("create reads no file", () => {
  expect(() => plugin.create({ paths: ["/nowhere/at/all"] }, recordingHost())).not.toThrow();
});
