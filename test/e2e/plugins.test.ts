import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { checkCounter } from "../simulation/checkers/counter-checker.ts";
import type { CounterState } from "../simulation/sim-actors.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { bundleClient } from "./support/bundle-client.ts";
import { expectReport } from "./support/expect-report.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { LedgerLoad } from "./support/ledger-load.ts";
import { balancerText, generatedPlugin, writePlugin } from "./support/plugin-files.ts";
import { reportOf, runTool } from "./support/tools.ts";
import { fatalOf, runToEnd, startDev } from "./support/troupe-process.ts";

const FAMILIES = {
  statestores: "--statestore",
  placement: "--placement",
  "partition-tolerance": "--partition-tolerance",
  balancers: "--balancer",
  acl: "--acl",
  authenticators: "--auth",
  activators: "--activators",
};
const KEYS = { TROUPE_STATESTORE_KEYS: `a:${Buffer.alloc(32, 1).toString("base64")}` };

describe("a generated plug-in in one file", () => {
  test.each(Object.entries(FAMILIES))("of %s is chosen by %s and serves", async (family, flag) => {
    using folder = tempDir();
    const file = writePlugin(folder.path, generatedPlugin(family, "mine"));
    const args = ["--plugins", file, flag, "mine"];
    const env = {
      ...KEYS,
      ...(family === "authenticators" && { TROUPE_AUTH_MINE_TOKEN: "t".repeat(40) }),
    };
    const check = await runToEnd({ cwd: folder.path, args: ["check-config", ...args], env });
    expect([check.code, check.stderr]).toEqual([0, ""]);
    await using server = await startDev(folder.path, undefined, { args, env });
    const { status, value } = await callJson(server.url, "counter/a/add", 1);
    // A new authenticator or policy may not let anybody in, but it answers.
    expect([200, 401, 403]).toContain(status);
    const parts = JSON.stringify(await (await fetch(`${server.adminUrl}/statusz`)).json());
    if (status === 200) expect([value, parts]).toEqual([1, expect.stringContaining('"mine"')]);
  });
});

describe("a statestore that is one file outside of the binary", () => {
  const folder = tempDir();
  afterAll(() => folder[Symbol.dispose]());
  const start = () => {
    const file = writePlugin(folder.path, generatedPlugin("statestores", "mine"));
    const args = ["--plugins", file, "--statestore", "mine"];
    return startDev(folder.path, undefined, { args, env: KEYS });
  };

  test("serves every kind of call as a built-in does", async () => {
    await using server = await start();
    const client = await bundleClient("connect-node-client", folder.path, "node");
    const run = await runTool([process.execPath, client, "grpc", server.url, "external"]);
    expectReport(reportOf<ClientReport>(run), { bidi: true });
  });

  test("keeps what was acknowledged while actors come and go", async () => {
    await using server = await start();
    const load = new LedgerLoad(server.url);
    load.start(["a", "b"], 4);
    await waitUntil("calls are acknowledged", () => load.acknowledged > 500);
    await load.stop();
    const idle = async (): Promise<boolean> =>
      /troupe_activations 0\n/.test(await (await fetch(`${server.adminUrl}/metrics`)).text());
    await waitUntil("the actors have gone", idle);
    for (const key of ["a", "b"]) {
      const ops = load.ops.filter(({ actor }) => actor.key === key);
      const { value } = await readJson(server.url, `ledger/${key}`);
      expect(checkCounter(ops, value as CounterState)).toEqual([]);
    }
    const [first] = load.ops;
    const again = { "idempotency-key": first?.id ?? "" };
    const path = `ledger/${first?.actor.key}/append`;
    expect(await callJson(server.url, path, first?.id, again)).toMatchObject({ replayed: true });
  });
});

/** A store that says "committed" of what it refused, on top of the generated one. */
const UNFENCED = `import mine from "./inner.ts";
export default { ...mine, name: "mine", create(config, host) {
  const store = mine.create(config, host);
  const commit = store.commit.bind(store);
  store.commit = async (batch) => (await commit(batch)).map(() => "committed");
  return store;
} };
`;

describe("a broken plug-in ends the start with one clear line", () => {
  const refusedBy = async (
    text: string,
    { family = "--balancer", args = [] as string[], inner = "" } = {},
  ) => {
    using folder = tempDir();
    const file = writePlugin(folder.path, text);
    if (inner !== "") writePlugin(folder.path, inner, "inner.ts");
    const all = ["serve", "--plugins", file, family, "mine", ...args];
    const ended = await runToEnd({ cwd: folder.path, args: all, env: KEYS });
    const lines = ended.stderr.split("\n").filter((line) => line.includes('"fatal"'));
    expect([ended.code, lines.length]).toEqual([fatalOf(ended).exit, 1]);
    const { reason, hint = "", message = "" } = fatalOf(ended);
    return { code: ended.code, reason, text: `${message} ${hint}` };
  };

  test.each([
    ["throws when imported", 'throw new Error("boom");', "import_threw", "boom"],
    ["PLUG-005: is a syntax error", "export default {\n  a b\n};", "syntax", " 2:5"],
    ["exports nothing", "export {};", "no_default_export", "mine.ts"],
    ["PLUG-003: is empty", "", "no_default_export", "mine.ts"],
    ["PLUG-007: exports null", "export default null;", "bad_shape", "mine.ts"],
    [
      "has another contract",
      balancerText({ contract: '"queue@1"' }),
      "api_version_unsupported",
      "balancer@1",
    ],
    [
      "PLUG-013: has a later contract",
      balancerText({ contract: '"balancer@9"' }),
      "api_version_unsupported",
      "balancer@1",
    ],
    [
      "PLUG-011: has no contract",
      balancerText({ contract: "undefined" }),
      "api_version_missing",
      "mine.ts",
    ],
    ["PLUG-009: has a bad name", balancerText({ name: '"../x"' }), "bad_manifest", "name"],
    [
      "PLUG-037: imports what is not there",
      'import "left-pad";\nexport default 1;',
      "import_threw",
      "left-pad",
    ],
    ["exits when imported", "process.exit(0);", "import_threw", "0"],
    [
      "throws in create",
      balancerText({ create: '() => { throw new Error("boom"); }' }),
      "create_failed",
      "boom",
    ],
    [
      "exits in create",
      balancerText({ create: "() => process.exit(42)" }),
      "create_failed",
      "end the process",
    ],
    [
      "rejects its start",
      balancerText({ create: '() => ({ choose: () => 0, start: () => Promise.reject("boom") })' }),
      "init_failed",
      "boom",
    ],
    [
      "PLUG-019: rejects with nothing",
      balancerText({ create: "() => ({ choose: () => 0, start: () => Promise.reject() })" }),
      "init_failed",
      "balancer",
    ],
    [
      "PLUG-021: exits in its start",
      balancerText({ create: "() => ({ choose: () => 0, start: async () => process.exit(42) })" }),
      "init_failed",
      "end the process",
    ],
    [
      "needs an option",
      balancerText({ options: '{ size: { type: "integer", doc: "d" } }' }),
      "required",
      "size",
    ],
  ])("that %s", async (_name, text, reason, words) => {
    const refused = await refusedBy(text);
    expect([refused.code, refused.reason]).toEqual([78, reason]);
    expect(refused.text).toContain(words);
  });

  test("PLUG-017: that never ends its import", async () => {
    const refused = await refusedBy("while (true) {}\nexport default 1;");
    expect([refused.code, refused.reason]).toEqual([78, "import_timeout"]);
  });

  test("that never ends its start", async () => {
    const create = "() => ({ choose: () => 0, start: () => new Promise(() => undefined) })";
    const args = ["--limits-plugin-start-timeout", "200ms"];
    const refused = await refusedBy(balancerText({ create }), { args });
    expect([refused.code, refused.reason]).toEqual([69, "init_timeout"]);
  });

  test("PLUG-051: that is a store and ignores the epoch", async () => {
    const inner = generatedPlugin("statestores", "inner");
    const refused = await refusedBy(UNFENCED, { family: "--statestore", inner });
    expect([refused.code, refused.reason]).toEqual([78, "fence_broken"]);
  });

  test("PLUG-047: that takes the name of another", async () => {
    using folder = tempDir();
    const file = writePlugin(folder.path, balancerText({ name: '"random"' }));
    const ended = await runToEnd({ cwd: folder.path, args: ["serve", "--plugins", file] });
    expect([ended.code, fatalOf(ended).reason]).toEqual([78, "conflict"]);
  });

  test("PLUG-041: that everybody may write", async () => {
    using folder = tempDir();
    const file = writePlugin(folder.path, balancerText());
    chmodSync(file, 0o666);
    const ended = await runToEnd({ cwd: folder.path, args: ["serve", "--plugins", file] });
    expect([ended.code, fatalOf(ended).reason]).toEqual([77, "plugin_permissions"]);
  });

  test("PLUG-001, PLUG-039, PLUG-043: that is absent, far away, not pinned or not what was pinned", async () => {
    using folder = tempDir();
    const file = writePlugin(folder.path, balancerText());
    const run = async (...args: string[]) =>
      runToEnd({ cwd: folder.path, args: ["check-config", ...args] });
    const right = createHash("sha256").update(balancerText()).digest("hex");
    expect((await run("--plugins", `${file}#sha256=${right}`)).code).toBe(0);
    const wrong = await run("--plugins", `${file}#sha256=${"0".repeat(64)}`);
    expect([wrong.code, fatalOf(wrong).reason]).toEqual([78, "integrity_mismatch"]);
    const bare = await run("--plugins", file, "--require-plugin-integrity");
    expect([bare.code, fatalOf(bare).reason]).toEqual([78, "integrity_missing"]);
    const absent = await run("--plugins", join(folder.path, "nothing.ts"));
    expect([absent.code, fatalOf(absent).reason]).toEqual([78, "not_found"]);
    const far = await run("--plugins", "https://example.com/mine.ts");
    expect([far.code, fatalOf(far).reason]).toEqual([78, "scheme_denied"]);
  });
});
