import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { runTool } from "./support/tools.ts";
import {
  BINARY,
  type Ended,
  fatalOf,
  runToEnd,
  startDev,
  startServe,
  TroupeProcess,
  type TroupeServer,
} from "./support/troupe-process.ts";

const folder = tempDir();
let server: TroupeServer;

beforeAll(async () => {
  server = await startDev(folder.path);
});
afterAll(async () => {
  await server.kill9();
  folder[Symbol.dispose]();
});

/** Runs the command line against the shared server, as a shell would. */
function troupe(args: readonly string[], stdin = "", env = {}): Promise<Ended> {
  const cwd = folder.path;
  return runToEnd({ cwd, args, stdin, env: { TROUPE_URL: server.url, ...env } });
}

const lines = (text: string): string[] => text.trimEnd().split("\n");
const json = (text: string): unknown => JSON.parse(text) as unknown;

describe("calling actors", () => {
  test("invoke takes JSON, a file or standard input, and prints the reply as it came", async () => {
    writeFileSync(join(folder.path, "payload.json"), " 4\n");
    expect(await troupe(["invoke", "counter/ways", "add", "-3"])).toMatchObject({
      code: 0,
      stdout: "-3\n",
    });
    expect((await troupe(["invoke", "counter/ways", "add", "@payload.json"])).stdout).toBe("1\n");
    expect((await troupe(["invoke", "default/counter/ways", "add", "-"], "5")).stdout).toBe("6\n");
    const none = await troupe(["invoke", "ledger/ways", "append", '"a"'], "", { NO_COLOR: "1" });
    expect(none).toEqual({ code: 0, stdout: "1\n", stderr: "" });
  });

  test("a long reply is whole, however slowly it is read", async () => {
    const size = 1_000_000;
    const command = `"$0" invoke counter/long big ${size} | (read -r line; echo \${#line})`;
    const env = { PATH: process.env["PATH"], TROUPE_URL: server.url };
    const run = await runTool(["bash", "-c", command, BINARY], { env });
    expect(run.stdout).toBe(`${size + 2}\n`);
  });

  test("a request id makes a repeat harmless, and --json says so", async () => {
    const call = ["invoke", "counter/id", "add", "2", "--request-id", "one", "--json"];
    const answer = { reply: 2, revision: 1, replayed: false, durable: true, metadata: {} };
    expect(json((await troupe(call)).stdout)).toEqual(answer);
    expect(json((await troupe(call)).stdout)).toEqual({ ...answer, replayed: true });
  });

  test("metadata and an expected revision reach the actor", async () => {
    const called = await troupe([
      "invoke",
      "counter/m",
      "context",
      "--metadata",
      "a=1=2",
      "--metadata",
      "b=x",
    ]);
    expect(json(called.stdout)).toMatchObject({ metadata: { a: "1=2", b: "x" } });
    const stale = await troupe([
      "invoke",
      "counter/m",
      "add",
      "1",
      "--expected-revision",
      "7",
      "--json",
    ]);
    expect(stale.code).toBe(75);
    expect(json(stale.stderr)).toMatchObject({ error: { code: "aborted", exit: 75 } });
  });

  test("state shows what is committed, and --watch each state as it comes", async () => {
    await troupe(["invoke", "counter/seen", "add", "1"]);
    const shown = await troupe(["state", "counter/seen"]);
    expect(shown).toEqual({ code: 0, stdout: '{"count":1}\n', stderr: "revision 1\n" });
    const whole = await troupe(["state", "counter/seen", "--json"]);
    expect(json(whole.stdout)).toEqual({
      state: { count: 1 },
      has_state: true,
      revision: 1,
      tags: {},
    });
    const args = ["state", "counter/seen", "--watch", "--url", server.url];
    await using watch = new TroupeProcess({ cwd: folder.path, args });
    await waitUntil("the first state", () => watch.stdout.includes('1  {"count":1}\n'));
    await troupe(["invoke", "counter/seen", "add", "1"]);
    await waitUntil("the second state", () => watch.stdout.includes('2  {"count":2}\n'));
  });

  test("actors are listed by type, tag and prefix, over as many pages as there are", async () => {
    for (const key of ["b", "a", "c"])
      await troupe(["invoke", `ledger/list-${key}`, "append", '"x"']);
    const found = await troupe(["actors", "ledger", "--prefix", "list-", "--json"]);
    const keys = lines(found.stdout).map((line) => (json(line) as { key: string }).key);
    expect(keys).toEqual(["list-a", "list-b", "list-c"]);
    const table = lines((await troupe(["actors", "ledger", "--prefix", "list-"])).stdout);
    expect(table[0]).toMatch(/^SYSTEM +TYPE +KEY +REVISION +UPDATED +TAGS$/);
    expect(table).toHaveLength(4);
    const first = await troupe(["actors", "ledger", "--prefix", "list-", "--limit", "2"]);
    expect([lines(first.stdout).length, first.stderr]).toEqual([
      3,
      expect.stringContaining("--limit 0"),
    ]);
    const nobody = await troupe(["actors", "ledger", "--tag", "colour=red"]);
    expect(nobody).toEqual({ code: 0, stdout: "", stderr: "no actor matches\n" });
  });

  test.each<[number, string, readonly string[]]>([
    [69, "is a node running at", ["state", "counter/a", "--url", "http://127.0.0.1:1"]],
    [64, "names no actor", ["invoke", "counter", "add"]],
    [64, "not JSON", ["invoke", "counter/a", "add", "hello"]],
    [64, "does not exist", ["invoke", "counter/a", "add", "@absent.json"]],
    [64, "name=value", ["actors", "--tag", "red"]],
    [64, "with a unit", ["state", "counter/a", "--timeout", "5"]],
    [64, "did you mean --request-id?", ["invoke", "counter/a", "add", "--reqest-id", "1"]],
    [64, "did you mean invoke?", ["invoek", "counter/a", "add"]],
    [64, "did you mean --port?", ["--prot", "8080"]],
    [64, "did you mean generate? see: troupe keys --help", ["keys", "generat"]],
    [64, "did you mean --role?", ["keys", "token", "a", "--roles", "x"]],
    [64, "see: troupe state --help", ["state"]],
    [64, "invalid_argument", ["state", "counter/\u200b"]],
    [1, "not_found", ["invoke", "absent/a", "add"]],
    [1, "invalid_argument: add takes", ["invoke", "counter/a", "add", '"x"']],
    [75, "in time", ["invoke", "counter/slow", "slow", "60000", "--timeout", "100ms"]],
  ])("exit %d and one clear message: %s", async (code, message, args) => {
    const ended = await troupe(args);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/^ +at |\u001b\[/m);
    expect(lines(ended.stderr).length).toBeLessThan(3);
  });
});

describe("help", () => {
  test("teaches commands, settings and exit codes", async () => {
    const { code, stdout } = await troupe(["--help"]);
    expect(code).toBe(0);
    for (const part of [
      "Run a node:",
      "troupe invoke counter/bar add 1",
      "--http-addr",
      "Exit codes",
    ]) {
      expect(stdout).toContain(part);
    }
    for (const command of [
      "serve",
      "dev",
      "invoke",
      "state",
      "actors",
      "check-config",
      "plugins",
    ]) {
      const help = await troupe([command, "--help"]);
      expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("Examples:")]);
    }
  });

  test("no command at all is a usage error with the help on standard error", async () => {
    expect(await troupe([])).toMatchObject({
      code: 64,
      stdout: "",
      stderr: expect.stringContaining("Usage:"),
    });
  });

  test("version as text and as JSON", async () => {
    const { stdout } = await troupe(["version", "--json"]);
    const about = json(stdout) as { version: string; commit: string };
    expect((await troupe(["version"])).stdout).toBe(`troupe ${about.version} (${about.commit})\n`);
    expect((await troupe(["--version"])).stdout).toContain(about.version);
  });
});

describe("configuration", () => {
  test("check-config shows each value with its source and no secret", async () => {
    const key = `one:${Buffer.alloc(32, 7).toString("base64")}`;
    const args = ["check-config", "--port", "8000", "--changed"];
    const env = { TROUPE_STATESTORE_KEYS: key, TROUPE_LOG_LEVEL: "warn" };
    const shown = await troupe(args, "", env);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^http_addr +127\.0\.0\.1:8000 +--port$/m);
    expect(shown.stdout).toMatch(/^log_level +warn +TROUPE_LOG_LEVEL$/m);
    expect(shown.stdout).toMatch(/^statestore_keys +\*+ +TROUPE_STATESTORE_KEYS$/m);
    const whole = await troupe(["check-config", "--json"], "", env);
    expect(json(whole.stdout)).toMatchObject({ ok: true, warnings: [] });
    expect(shown.stdout + whole.stdout).not.toContain(key.slice(4));
  });

  test("all problems come at once, keys and certificates among them", async () => {
    const short = `a:${Buffer.alloc(31).toString("base64")}`;
    const env = {
      TROUPE_STATESTORE_KEYS: short,
      TROUPE_TLS_CERT: "absent.pem",
      TROUPE_TLS_KEY: "absent.pem",
    };
    const ended = await troupe(["check-config", "--port", "70000"], "", env);
    expect(ended.code).toBe(78);
    const { problems } = fatalOf(ended) as unknown as {
      problems: { key: string; reason: string }[];
    };
    expect(problems.map(({ key, reason }) => `${key} ${reason}`).sort()).toEqual([
      "port range",
      "statestore_keys state_key_length",
      "tls_cert not_found",
    ]);
  });

  test("an unknown flag of a setting names the nearest one", async () => {
    for (const command of ["serve", "check-config"]) {
      const ended = await troupe([command, "--prot", "8080"]);
      expect([ended.code, fatalOf(ended).hint]).toEqual([64, "did you mean --port?"]);
    }
  });

  test("plugins lists families, what is selected and what statestores offer", async () => {
    const { stdout } = await troupe(["plugins", "--json"]);
    const { plugins } = json(stdout) as {
      plugins: { name: string; selected: boolean; offers?: string[] }[];
    };
    const sqlite = plugins.find(({ name }) => name === "sqlite");
    expect(sqlite).toMatchObject({
      selected: true,
      offers: expect.arrayContaining(["durable", "history"]),
    });
    expect((await troupe(["plugins", "--verbose"])).stdout).toMatch(/^ +cache \(size, 32MiB\)/m);
  });

  test("config-schema is a JSON Schema that knows the options of plug-ins", async () => {
    const schema = json((await troupe(["config-schema"])).stdout) as { properties: object };
    expect(Object.keys(schema.properties)).toContain("statestore");
    expect(JSON.stringify(schema.properties)).toContain('"const":"sqlite"');
  });
});

describe("keys", () => {
  test("a generated key seals states, is its owner's alone and is never overwritten", async () => {
    using place = tempDir();
    const file = join(place.path, "state.key");
    const made = await troupe(["keys", "generate", "--id", "k1", "--out", file]);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^k1:[A-Za-z0-9+/]{43}=\n$/);
    expect((await troupe(["keys", "generate", "--out", file])).code).toBe(73);
    expect(readFileSync(file, "utf8")).toBe(text);
    const env = { TROUPE_STATESTORE_KEYS_FILE: file };
    await using node = await startServe(place.path, { env });
    expect(node.running).toBe(true);
    expect((await troupe(["keys", "generate", "--id", "much-too-long"])).code).toBe(64);
  });

  test("a generated token is the only way past the token authenticator", async () => {
    using place = tempDir();
    const made = await troupe(["keys", "token", "alice", "--json"]);
    const { token, line } = json(made.stdout) as { token: string; line: string };
    const file = join(place.path, "tokens");
    writeFileSync(file, `${line}\n`);
    const env = { TROUPE_AUTH: "token", TROUPE_AUTH_TOKEN_FILE: file };
    await using node = await startDev(place.path, undefined, { env });
    const call = ["invoke", "counter/a", "context", "--url", node.url];
    const anonymous = await troupe(call);
    expect(anonymous).toMatchObject({ code: 77, stderr: expect.stringContaining("TROUPE_TOKEN") });
    const known = await troupe(call, "", { TROUPE_TOKEN: token });
    expect(json(known.stdout)).toMatchObject({ caller: "alice" });
    writeFileSync(join(folder.path, "token"), `${token}\n`);
    expect((await troupe([...call, "--token-file", "token"])).code).toBe(0);
    expect((await troupe([...call, "--token", "wrong"])).code).toBe(77);
    expect((await troupe(["keys", "token", "a b"])).code).toBe(64);
  });
});

describe("a process that serves", () => {
  const balancer = (start: string): string =>
    `export default { contract: "balancer@1", name: "probe", stability: "experimental",
      doc: "A test.", options: {},
      create: (config, host) => ({ choose: () => 0, start: async () => { ${start} } }) };`;

  async function serveWith(start: string, env: Readonly<Record<string, string>> = {}) {
    const place = tempDir();
    mkdirSync(join(place.path, "plugins"), { mode: 0o755 });
    const file = join(place.path, "plugins", "probe.ts");
    writeFileSync(file, balancer(start), { mode: 0o644 });
    const settings = { TROUPE_PLUGINS: file, TROUPE_BALANCER: "probe", ...env };
    return { place, settings };
  }

  test("keeps no secret in its environment, and its files to itself", async () => {
    const key = `one:${Buffer.alloc(32, 7).toString("base64")}`;
    const look = 'host.log.info("probe", { found: "TROUPE_STATESTORE_KEYS" in process.env });';
    const { place, settings } = await serveWith(look, { TROUPE_STATESTORE_KEYS: key });
    using _place = place;
    await using node = await startServe(place.path, { env: settings });
    expect(node.logged("probe")[0]?.["found"]).toBe(false);
    expect(statSync(join(place.path, ".troupe", "troupe.db")).mode & 0o077).toBe(0);
  });

  test.each([
    ["exception", 'setTimeout(() => { throw new Error("astray"); }, 300);'],
    ["rejection", 'setTimeout(() => void Promise.reject(new Error("astray")), 300);'],
  ])("ends with 70 after a stray %s, and says which", async (reason, start) => {
    const { place, settings } = await serveWith(start);
    using _place = place;
    const node = await startServe(place.path, { env: settings });
    const ended = await node.ended();
    expect([ended.code, fatalOf(ended)]).toMatchObject([
      70,
      { event: "process", reason, exit: 70 },
    ]);
    expect(ended.stderr).toContain("astray");
  });

  test("ends with 70 after a stray error while a plug-in starts, too", async () => {
    const start =
      'setTimeout(() => { throw new Error("astray"); }, 1); await new Promise(() => {});';
    const { place, settings } = await serveWith(start);
    using _place = place;
    const ended = await runToEnd({
      cwd: place.path,
      args: ["serve", "--port", "0"],
      env: settings,
    });
    expect([ended.code, fatalOf(ended).reason]).toEqual([70, "exception"]);
  });
});
