import { describe, expect, test } from "bun:test";
import { env, KEY, open, refused, yaml, type Given } from "../../test/support/config-fixture.ts";
import { exitCode } from "./config-problem.ts";
import { formatProblems, problemsLine } from "./config-report.ts";

describe("configuration that is refused, by its reason", () => {
  test.each<[string, Given, string, string]>([
    ["unknown flag", { flags: ["--prot", "8080"] }, "prot", "unknown_flag"],
    ["unknown key in a file", yaml("cluster: a\nclutser: b\n"), "clutser", "unknown_key"],
    ["unknown key below limits", yaml("limits:\n  mailbox: 3\n"), "limits.mailbox", "unknown_key"],
    ["unknown variable", env("TROUPE_HTP_ADDR", "x"), "htp_addr", "unknown_key"],
    [
      "config is no file",
      { flags: ["--config", "d"], files: { d: { kind: "failed", reason: "not_a_file" } } },
      "config",
      "not_a_file",
    ],
    ["config is absent", { flags: ["--config=x.yaml"] }, "config", "not_found"],
    ["aliases", yaml("a: &a [x]\nb: *a\n"), "", "aliases_disabled"],
    ["tab as indent", yaml("limits:\n\tmailbox_calls: 1\n"), "", "syntax"],
    ["duplicate key", yaml("cluster: a\ncluster: b\n"), "", "duplicate_key"],
    ["port of letters", { flags: ["--port", "abc"] }, "port", "type"],
    ["negative port", { flags: ["--port", "-1"] }, "port", "range"],
    ["port with a gap", { flags: ["--port", "80 80"] }, "port", "type"],
    ["address without host", env("TROUPE_HTTP_ADDR", ":80"), "http_addr", "type"],
    ["port of an address", env("TROUPE_HTTP_ADDR", "127.0.0.1:70000"), "http_addr", "range"],
    ["same port twice", env("TROUPE_ADMIN_ADDR", "127.0.0.1:7700"), "admin_addr", "conflict"],
    ["empty state key", env("TROUPE_STATESTORE_KEYS", ""), "statestore_keys", "state_key_missing"],
    [
      "secret inline and by file",
      { env: { TROUPE_STATESTORE_KEYS: KEY, TROUPE_STATESTORE_KEYS_FILE: "k" }, files: { k: KEY } },
      "statestore_keys",
      "conflict",
    ],
    [
      "secret file absent",
      env("TROUPE_STATESTORE_KEYS_FILE", "loop"),
      "statestore_keys",
      "not_found",
    ],
    [
      "secret file empty",
      { env: { TROUPE_STATESTORE_KEYS_FILE: "k" }, files: { k: "\n" } },
      "statestore_keys",
      "empty_secret",
    ],
    [
      "URL without host",
      { env: { TROUPE_STATESTORE: "postgres", TROUPE_STATESTORE_URL: "postgres://" } },
      "statestore.url",
      "url",
    ],
    [
      "URL with @ in its password",
      { env: { TROUPE_STATESTORE: "postgres", TROUPE_STATESTORE_URL: "postgres://u:p@ss@h/d" } },
      "statestore.url",
      "url",
    ],
    [
      "option that must be given",
      env("TROUPE_STATESTORE", "postgres"),
      "statestore.url",
      "required",
    ],
    ["duration without unit", env("TROUPE_SHUTDOWN_TIMEOUT", "5"), "shutdown_timeout", "duration"],
    [
      "duration in parsecs",
      env("TROUPE_SHUTDOWN_TIMEOUT", "5 parsecs"),
      "shutdown_timeout",
      "duration",
    ],
    ["negative duration", env("TROUPE_SHUTDOWN_TIMEOUT", "-1s"), "shutdown_timeout", "duration"],
    ["huge duration", env("TROUPE_SHUTDOWN_TIMEOUT", "1e99s"), "shutdown_timeout", "duration"],
    ["zero duration", env("TROUPE_SHUTDOWN_TIMEOUT", "0s"), "shutdown_timeout", "duration"],
    [
      "duration of 25 hours",
      env("TROUPE_LIMITS_DEDUP_WINDOW", "25h"),
      "limits.dedup_window",
      "duration",
    ],
    [
      "lease ratio",
      yaml("limits: {lease_ttl: 8s, lease_renew: 3s}"),
      "limits.lease_ttl",
      "lease_ratio",
    ],
    [
      "lease margin that leaves too little",
      yaml("limits: {lease_margin: 9s}"),
      "limits.lease_margin",
      "lease_ratio",
    ],
    [
      "lease too short for its margin",
      yaml("limits: {lease_ttl: 3s, lease_renew: 500ms}"),
      "limits.lease_ttl",
      "lease_ratio",
    ],
    [
      "no message bytes",
      env("TROUPE_LIMITS_MAX_MESSAGE_BYTES", "0"),
      "limits.max_message_bytes",
      "range",
    ],
    [
      "5 GiB of message",
      env("TROUPE_LIMITS_MAX_MESSAGE_BYTES", "5 GiB"),
      "limits.max_message_bytes",
      "range",
    ],
    ["empty mailbox", env("TROUPE_LIMITS_MAILBOX_CALLS", "0"), "limits.mailbox_calls", "range"],
    ["huge mailbox", env("TROUPE_LIMITS_MAILBOX_CALLS", "100001"), "limits.mailbox_calls", "range"],
    [
      "yes please",
      env("TROUPE_TLS_TERMINATED_UPSTREAM", "yes please"),
      "tls_terminated_upstream",
      "type",
    ],
    ["empty cluster", env("TROUPE_CLUSTER", ""), "cluster", "charset"],
    ["64 characters of cluster", env("TROUPE_CLUSTER", "c".repeat(64)), "cluster", "charset"],
    ["cluster with spaces", env("TROUPE_CLUSTER", "a b"), "cluster", "charset"],
    ["a seed that is a URL", env("TROUPE_SEEDS", "http://b:7702"), "seeds", "type"],
    ["a seed without a host", env("TROUPE_SEEDS", "b:7702,:7702"), "seeds", "type"],
    ["an unknown discovery", env("TROUPE_DISCOVERY", "statics"), "discovery", "unknown_plugin"],
    [
      "discovery by a store that nobody shares",
      { env: { TROUPE_STATESTORE: "memory", TROUPE_DISCOVERY: "store" } },
      "discovery",
      "conflict",
    ],
    ["10,000 seeds", env("TROUPE_SEEDS", Array(10_000).fill("h:1").join(",")), "seeds", "range"],
    [
      "gossip key of 15 bytes",
      env("TROUPE_GOSSIP_KEYS", Buffer.alloc(15).toString("base64")),
      "gossip_keys",
      "length",
    ],
    ["certificate without key", env("TROUPE_TLS_CERT", "c.pem"), "tls_cert", "tls_pair"],
    ["runtime options", env("BUN_OPTIONS", "--preload x"), "", "runtime_env"],
    ["runtime inspector", env("BUN_INSPECT_NOTIFY", "1"), "", "runtime_env"],
    ["node options", env("NODE_OPTIONS", "--require x"), "", "runtime_env"],
    ["clock before 2024", { wallMs: 0 }, "", "clock"],
    ["empty standard input", { flags: ["--config", "-"], files: { "-": "" } }, "config", "empty"],
    [
      "two configuration files",
      { files: { "troupe.yaml": "", "troupe.toml": "" } },
      "config",
      "conflict",
    ],
    ["open bind", { env: { ...open, TROUPE_ACL: "allow-all" } }, "http_addr", "open_bind"],
    [
      "open bind where certificates are asked for and nobody looks at them",
      {
        env: {
          ...open,
          TROUPE_ACL: "allow-all",
          TROUPE_TLS_CA: "c",
          TROUPE_TLS_TERMINATED_UPSTREAM: "true",
        },
        files: { c: "x" },
      },
      "http_addr",
      "open_bind",
    ],
    [
      "open bind without policy",
      {
        env: {
          ...open,
          TROUPE_INSECURE_ALLOW_UNAUTHENTICATED: "1",
          TROUPE_TLS_TERMINATED_UPSTREAM: "1",
        },
      },
      "acl",
      "acl_required",
    ],
    [
      "open bind without key",
      {
        env: {
          TROUPE_HTTP_ADDR: "[::]:7700",
          TROUPE_ACL: "allow-all",
          TROUPE_INSECURE_ALLOW_UNAUTHENTICATED: "true",
          TROUPE_TLS_TERMINATED_UPSTREAM: "true",
        },
      },
      "statestore_keys",
      "state_key_missing",
    ],
    ["no such plug-in", env("TROUPE_BALANCER", "tow-choices"), "balancer", "unknown_plugin"],
    [
      "no such option",
      yaml("statestore:\n  plugin: sqlite\n  pth: x\n"),
      "statestore.pth",
      "unknown_key",
    ],
    ["same instance twice", env("TROUPE_ACTIVATORS", "a=cron,a=cron"), "activators", "conflict"],
    ["map where a value belongs", yaml("cluster: {a: b}"), "cluster", "type"],
    ["key without value", yaml("cluster:\n"), "cluster", "type"],
    ["list at the top", yaml("- a\n"), "", "syntax"],
  ])("%s", (_, given, key, reason) => {
    const found = refused(given).map((each) => `${each.key} ${each.reason}`);
    expect(found).toContain(`${key} ${reason}`);
  });

  test("an unknown name comes with the nearest one and its place", () => {
    const [flag] = refused({ flags: ["--prot", "8080"] });
    expect(flag?.hint).toBe("did you mean --port?");
    const [key] = refused(yaml("# first\ncluster: a\nlog_levle: info\n"));
    expect(key?.hint).toBe("did you mean log_level?");
    expect(key?.source).toEqual({ kind: "file", path: "troupe.yaml", line: 3, column: 1 });
    const [toml] = refused({ files: { "troupe.toml": "[limits]\nmailbox_cals = 3\n" } });
    expect(toml?.source).toEqual({ kind: "file", path: "troupe.toml", line: 2, column: 1 });
    const [variable] = refused(env("TROUPE_LIMITS_MAILBOX_CALL", "3"));
    expect(variable?.hint).toBe("did you mean TROUPE_LIMITS_MAILBOX_CALLS?");
  });

  test("a tab is reported with its line and column", () => {
    const [found] = refused(yaml("limits:\n\tmailbox_calls: 1\n"));
    expect(found?.source).toMatchObject({ line: 2, column: 1 });
  });

  test("problems of every source are reported together, and usage decides the exit code", () => {
    const problems = refused({
      flags: ["--prot", "1"],
      env: { TROUPE_CLUSTER: "a b", TROUPE_LOG_LEVEL: "loud" },
      files: { "troupe.yaml": "unknown: 1\n" },
    });
    expect(problems.map((each) => each.reason).sort()).toEqual([
      "charset",
      "type",
      "unknown_flag",
      "unknown_key",
    ]);
    expect(exitCode(problems)).toBe(64);
  });

  test("a billion laughs cost no time", () => {
    const levels = Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
    const problems = refused(yaml(`a0: &a0 [x]\n${levels.join("\n")}\n`));
    expect(problems.map((each) => each.reason)).toEqual(["aliases_disabled"]);
  });

  test("a file of 20,000 keys costs no more than its reading", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1\n`);
    expect(refused(yaml(lines.join(""))).length).toBe(50);
    expect(refused(yaml(`${lines.join("")}k7: 1\n`)).map((each) => each.reason)).toEqual([
      "duplicate_key",
    ]);
  });

  test("deep nesting is a syntax problem", () => {
    expect(refused(yaml(`a: ${"[".repeat(100_000)}`))[0]?.reason).toBe("syntax");
  });

  test("no message, hint or line shows a secret", () => {
    const secret = "postgres://u:hunter2@horse@h/d";
    const problems = refused({
      env: { TROUPE_STATESTORE: "postgres", TROUPE_STATESTORE_URL: secret },
    });
    expect(formatProblems(problems, true) + problemsLine(problems)).not.toMatch(/hunter2|horse/);
  });

  test("for machines there is exactly one line", () => {
    const line = problemsLine(refused(env("TROUPE_CLUSTER", "a b")));
    expect(line.trimEnd()).not.toContain("\n");
    expect(JSON.parse(line)).toMatchObject({
      level: "fatal",
      event: "config",
      exit: 78,
      key: "cluster",
      reason: "charset",
      source: "TROUPE_CLUSTER",
      problems: [{ key: "cluster", source: "TROUPE_CLUSTER" }],
    });
  });

  test("text for people has colour only when asked", () => {
    const problems = refused(env("TROUPE_CLUSTER", "a b"));
    expect(formatProblems(problems, false)).not.toContain("\u001b");
    expect(formatProblems(problems, true)).toContain("\u001b[31m");
  });
});
