import { afterAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { badInputRows, rowName } from "./support/bad-input-rows.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { callJson } from "./support/json-calls.ts";
import { fatalOf, runToEnd, startDev } from "./support/troupe-process.ts";

const rows = badInputRows();
const base64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString("base64");

interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text of troupe.yaml. */
  readonly yaml?: string;
  readonly stdin?: string;
  /** What lies in the folder besides. */
  readonly prepare?: (folder: string) => void;
}

const env = (name: string, value: string): Given => ({ env: { [`TROUPE_${name}`]: value } });
const flag = (...args: string[]): Given => ({ args });
const yaml = (text: string): Given => ({ yaml: text });
const laughs = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
const keyFile = (prepare: (folder: string) => void): Given => ({
  env: { TROUPE_STATESTORE_KEYS_FILE: "key" },
  prepare,
});

/** An access policy in a file of its own, or a path where there is none. */
const policies = (text?: string): Given => ({
  env: { TROUPE_ACL: "policy-files", TROUPE_ACL_PATHS: text === undefined ? "nowhere" : "p.yaml" },
  prepare: (folder) => writeFileSync(join(folder, "p.yaml"), text ?? ""),
});

/** What is given, the exit code, the reason, and words that the line holds. */
type Case = readonly [id: string, given: Given, exit: number, reason: string, words?: string];

const CASES: readonly Case[] = [
  ["CFG-001", flag("--prot", "8080"), 64, "unknown_flag", "--port"],
  ["CFG-003", yaml("cluster: a\nclutser: b\n"), 78, "unknown_key", "troupe.yaml:2:1"],
  [
    "CFG-005",
    { ...flag("--config", "d"), prepare: (at) => mkdirSync(join(at, "d")) },
    78,
    "not_a_file",
  ],
  [
    "CFG-005",
    { ...flag("--config", "f"), prepare: (at) => void execFileSync("mkfifo", [join(at, "f")]) },
    78,
    "not_a_file",
  ],
  ["CFG-005", flag("--config", "/dev/null"), 78, "not_a_file"],
  ["CFG-007", yaml(`a0: &a0 [x]\n${laughs.join("\n")}\n`), 78, "aliases_disabled"],
  ["CFG-009", yaml("limits:\n\tmailbox_calls: 1\n"), 78, "syntax", "troupe.yaml:2:1"],
  ["CFG-011", yaml("cluster: a\ncluster: b\n"), 78, "duplicate_key"],
  ["CFG-013", flag("--port", "abc"), 78, "type"],
  ["CFG-015", flag("--port=-1"), 78, "range"],
  ["CFG-017", flag("--port", "80 80"), 78, "type"],
  [
    "CFG-019",
    { env: { TROUPE_HTTP_ADDR: "127.0.0.1:7700", TROUPE_ADMIN_ADDR: "127.0.0.1:7700" } },
    78,
    "conflict",
  ],
  ["CFG-025", env("STATESTORE_KEYS", ""), 78, "state_key_missing"],
  ["CFG-027", env("STATESTORE_KEYS", `a:${base64(16)}`), 78, "state_key_length"],
  ["CFG-027", env("STATESTORE_KEYS", `a:${base64(31)}`), 78, "state_key_length"],
  ["CFG-029", env("STATESTORE_KEYS", `a:${base64(32)},a:${base64(32)}`), 78, "key_id_conflict"],
  ["CFG-031", keyFile((at) => symlinkSync("key", join(at, "key"))), 78, "not_found"],
  [
    "CFG-033",
    { env: { TROUPE_STATESTORE_KEYS: `a:${base64(32)}`, TROUPE_STATESTORE_KEYS_FILE: "k" } },
    78,
    "conflict",
  ],
  ["CFG-035", keyFile((at) => writeFileSync(join(at, "key"), "\n")), 78, "empty_secret"],
  ...["5", "5 parsecs", "-1s", "1e99s"].map(
    (text): Case => ["CFG-049", env("SHUTDOWN_TIMEOUT", text), 78, "duration"],
  ),
  ["CFG-051", yaml("limits: {lease_ttl: 8s, lease_renew: 3s}"), 78, "lease_ratio"],
  ["CFG-053", env("LIMITS_MAX_MESSAGE_BYTES", "0"), 78, "range"],
  ["CFG-053", env("LIMITS_MAX_MESSAGE_BYTES", "5GiB"), 78, "range"],
  ["CFG-055", env("LIMITS_MAILBOX_CALLS", "0"), 78, "range"],
  ["CFG-057", env("TLS_TERMINATED_UPSTREAM", "yes please"), 78, "type"],
  ["CFG-059", env("CLUSTER", ""), 78, "charset"],
  ["CFG-059", env("CLUSTER", "c".repeat(64)), 78, "charset"],
  ["CFG-059", env("CLUSTER", "a b"), 78, "charset"],
  ["CFG-061", env("SEEDS", Array(10_000).fill("h:1").join(",")), 78, "range"],
  ["CFG-063", env("GOSSIP_KEYS", base64(15)), 78, "length"],
  ["CFG-065", env("TLS_CERT", "c.pem"), 78, "tls_pair"],
  ["CFG-071", { env: { BUN_OPTIONS: "--smol" } }, 78, "runtime_env"],
  ["CFG-071", { env: { BUN_INSPECT_NOTIFY: "unix:/x" } }, 78, "runtime_env"],
  ["CFG-071", { env: { NODE_OPTIONS: "--require x" } }, 78, "runtime_env"],
  ["CFG-077", { ...flag("--config", "-"), stdin: "" }, 78, "empty"],
  [
    "PLUG-045",
    flag("--plugins", Array.from({ length: 200 }, (_, i) => `p${i}.ts`).join(",")),
    78,
    "too_many",
  ],
  ["ACL-001", policies(), 78, "policy_missing", "nowhere"],
  ["ACL-005", policies("a: [1\nb: 2\n"), 78, "syntax", "p.yaml:"],
  ["ACL-009", policies("policies: [{name: a, type: alow}]\n"), 78, "enum", "alow"],
];

describe("a wrong setting ends the start in one line", () => {
  const folder = tempDir();
  afterAll(() => folder[Symbol.dispose]());

  test.each(CASES.map(([id, ...rest], i) => [rowName(rows, id), i, ...rest] as const))(
    "%s (%d)",
    async (_name, index, given, exit, reason, words = "") => {
      const cwd = join(folder.path, String(index));
      mkdirSync(cwd);
      given.prepare?.(cwd);
      if (given.yaml !== undefined) writeFileSync(join(cwd, "troupe.yaml"), given.yaml);
      const args = ["serve", ...(given.args ?? [])];
      const { env: variables = {}, stdin = "" } = given;
      const ended = await runToEnd({ cwd, args, env: variables, stdin });
      expect([ended.code, fatalOf(ended).reason, fatalOf(ended).exit]).toEqual([
        exit,
        reason,
        exit,
      ]);
      expect(ended.stderr.split("\n").filter((line) => line.includes('"fatal"'))).toHaveLength(1);
      expect(ended.stderr).toContain(words);
    },
  );
});

/** Open to the network with all that this needs. */
const OPEN = {
  TROUPE_INSECURE_ALLOW_UNAUTHENTICATED: "1",
  TROUPE_TLS_TERMINATED_UPSTREAM: "1",
  TROUPE_ACL: "allow-all",
  TROUPE_STATESTORE_KEYS: `a:${base64(32)}`,
};

test(rowName(rows, "CFG-021"), async () => {
  using folder = tempDir();
  const address = { TROUPE_HTTP_ADDR: "no-such-host.invalid:0" };
  const ended = await runToEnd({ cwd: folder.path, args: ["serve"], env: { ...OPEN, ...address } });
  expect([ended.code, fatalOf(ended).reason]).toEqual([69, "resolve_failed"]);
});

test(rowName(rows, "CFG-047"), async () => {
  using folder = tempDir();
  await using server = await startDev(folder.path);
  server.signal("SIGTERM");
  await server.ended();
  chmodSync(join(folder.path, ".troupe", "troupe.db"), 0o444);
  const ended = await runToEnd({ cwd: folder.path, args: ["serve"] });
  expect([ended.code, fatalOf(ended).reason]).toEqual([74, "store_readonly"]);
});

test(rowName(rows, "CFG-065"), async () => {
  using folder = tempDir();
  const authority = new CertificateAuthority(folder.path, "authority");
  const one = authority.issue("one", "IP:127.0.0.1");
  const other = authority.issue("other", "IP:127.0.0.1");
  const tls = { TROUPE_TLS_CERT: one.cert, TROUPE_TLS_KEY: other.key };
  const ended = await runToEnd({ cwd: folder.path, args: ["serve"], env: tls });
  expect([ended.code, fatalOf(ended).reason]).toEqual([78, "tls_mismatch"]);
});

test(rowName(rows, "CFG-073"), async () => {
  using folder = tempDir();
  const env = { TZ: "Nowhere/City", LANG: "tr_TR", LC_ALL: "tr_TR.UTF-8" };
  await using server = await startDev(folder.path, undefined, { env });
  expect((await callJson(server.url, "counter/TITLE-I/add", 1)).value).toBe(1);
  const [ready] = server.logged("node.ready");
  const written = Date.parse(String(ready?.["time"]));
  expect(Math.abs(written - Date.now())).toBeLessThan(60_000);
});
