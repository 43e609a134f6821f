import { describe, expect, test } from "bun:test";
import type { AnyPlugin, ContractId } from "../contract/plugin.ts";
import { BUILT_IN, makeCatalogue } from "./catalogue.ts";
import { readSources, splitFlags, type ConfigInputs, type FileText } from "./config-inputs.ts";
import { DEFAULT_LIMITS, type Limits } from "../domain/limits.ts";
import { exitCode } from "./config-problem.ts";
import { describeSettings, formatProblems, problemsLine } from "./config-report.ts";
import { configSchema } from "./config-schema.ts";
import { readSettings } from "./read-settings.ts";

const WALL_MS = 1_800_000_000_000;
const KEY = `one:${Buffer.alloc(32, 7).toString("base64")}`;

function plugin(contract: ContractId, name: string, options: object = {}): AnyPlugin {
  const create = () => ({});
  return {
    contract,
    name,
    stability: "stable",
    doc: "A test.",
    options,
    create,
  } as unknown as AnyPlugin;
}

const URL_OPTION = { type: "url", secret: true, doc: "Where the database is." };
const POOL = { type: "integer", default: 20, min: 1, max: 100, doc: "Connections." };
const WAIT = { type: "duration", default: 10_000, doc: "Longest wait." };

const { catalogue } = makeCatalogue(
  [
    plugin("statestore@1", "sqlite", { path: { type: "path", default: "", doc: "File." } }),
    plugin("statestore@1", "memory"),
    plugin("statestore@1", "postgres", { url: URL_OPTION, poolSize: POOL, queueTarget: WAIT }),
    plugin("placement@1", "rendezvous"),
    plugin("partition-tolerance@1", "store-arbiter"),
    plugin("partition-tolerance@1", "divergence"),
    plugin("balancer@1", "two-choices"),
    plugin("balancer@1", "random"),
    plugin("acl@1", "allow-all"),
    plugin("acl@1", "policy-files", { path: { type: "path", doc: "Directory." } }),
    plugin("authenticator@1", "token", { file: { type: "path", default: "", doc: "File." } }),
    plugin("activator@1", "cron", {
      schedule: { type: "string", doc: "Cron text." },
      timeZone: { type: "string", default: "UTC", doc: "Time zone." },
    }),
  ].map((each) => ({ plugin: each, origin: BUILT_IN })),
);

interface Given {
  readonly env?: Record<string, string>;
  readonly flags?: readonly string[];
  readonly files?: Record<string, string | FileText>;
  readonly wallMs?: number;
}

function inputs({ env = {}, flags = [], files = {}, wallMs = WALL_MS }: Given): ConfigInputs {
  const read = (path: string): FileText => {
    const found = files[path];
    if (found === undefined) return { kind: "failed", reason: "not_found" };
    return typeof found === "string" ? { kind: "text", text: found } : found;
  };
  return { environment: env, flags: splitFlags(flags, new Set()).flags, files: { read }, wallMs };
}

const read = (given: Given) => readSettings(readSources(inputs(given)), catalogue);

function accepted(given: Given) {
  const result = read(given);
  if (!result.ok) throw new Error(formatProblems(result.problems, false));
  return result;
}

function refused(given: Given) {
  const result = read(given);
  if (result.ok) throw new Error("the configuration was accepted");
  return result.problems;
}

const yaml = (text: string): Given => ({ files: { "troupe.yaml": text } });
const env = (name: string, value: string): Given => ({ env: { [name]: value } });
const open = { TROUPE_HTTP_ADDR: "0.0.0.0:7700", TROUPE_STATESTORE_KEYS: KEY };

describe("configuration that is refused, by its reason", () => {
  test.each<[string, Given, string, string]>([
    ["unknown flag", { flags: ["--prot", "8080"] }, "", "unknown_flag"],
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
      problems: [{ key: "cluster", source: "TROUPE_CLUSTER" }],
    });
  });

  test("text for people has colour only when asked", () => {
    const problems = refused(env("TROUPE_CLUSTER", "a b"));
    expect(formatProblems(problems, false)).not.toContain("\u001b");
    expect(formatProblems(problems, true)).toContain("\u001b[31m");
  });
});

describe("configuration that is accepted", () => {
  test("nothing at all serves on loopback with the defaults", () => {
    const { settings, warnings } = accepted({});
    expect(warnings).toEqual([]);
    expect(settings.httpAddr).toEqual({ host: "127.0.0.1", port: 7700 });
    expect(settings.limits.messageBytes).toBe(4 * 1024 * 1024);
    expect(settings.shutdownTimeoutMs).toBe(30_000);
    expect(settings.selections.map((each) => each.plugin)).toEqual([
      "sqlite",
      "rendezvous",
      "store-arbiter",
      "two-choices",
      "allow-all",
    ]);
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.limits)).toBe(true);
  });

  test("the limits are what calls are bounded by, with the documented defaults", () => {
    const limits: Limits = accepted({}).settings.limits;
    expect(limits).toMatchObject({ ...DEFAULT_LIMITS });
  });

  test("later sources win: file, variable, flag", () => {
    const files = { "troupe.yaml": "cluster: file\nlog_level: warn\nlog_format: json\n" };
    const variables = { TROUPE_CLUSTER: "variable", TROUPE_LOG_LEVEL: "error" };
    const { settings } = accepted({ files, env: variables, flags: ["--cluster", "flag"] });
    expect([settings.cluster, settings.logLevel, settings.logFormat]).toEqual([
      "flag",
      "error",
      "json",
    ]);
  });

  test.each(["troupe.yaml", "troupe.yml", "troupe.json", "troupe.toml"])("%s is read", (name) => {
    const toml = 'cluster = "c1"\n[limits]\nmailbox_calls = 7\n[statestore]\nplugin = "memory"\n';
    const json = '{\n\t"cluster": "c1",\n\t"limits": {"mailbox_calls": 7}, "statestore": "memory"}';
    const { settings } = accepted({ files: { [name]: name.endsWith("toml") ? toml : json } });
    expect([settings.cluster, settings.limits.mailboxCalls]).toEqual(["c1", 7]);
    expect(settings.selections[0]?.plugin).toBe("memory");
  });

  test("JSON is not read as YAML", () => {
    expect(refused({ files: { "troupe.json": "cluster: a" } })[0]?.reason).toBe("syntax");
  });

  test("the memory statestore has nobody to arbitrate", () => {
    const { settings } = accepted(env("TROUPE_STATESTORE", "memory"));
    const tolerance = settings.selections.find((each) => each.instance === "partition_tolerance");
    expect(tolerance?.plugin).toBe("divergence");
  });

  test("blanks around a value are taken off once, with a warning", () => {
    const { settings, warnings } = accepted({ flags: ["--port", " 8080 "] });
    expect(settings.httpAddr.port).toBe(8080);
    expect(warnings).toHaveLength(1);
  });

  test("addresses of IPv6 have brackets", () => {
    const { settings } = accepted(env("TROUPE_HTTP_ADDR", "[::1]:7700"));
    expect(settings.httpAddr).toEqual({ host: "::1", port: 7700 });
  });

  test("options of plug-ins come from file, variable, flag and file of a variable", () => {
    const { settings } = accepted({
      files: {
        "troupe.yaml": "statestore:\n  plugin: postgres\n  pool_size: 5\n",
        "/run/url": "postgres://u:p@h/d\n",
      },
      env: {
        TROUPE_STATESTORE_URL_FILE: "/run/url",
        TROUPE_STATESTORE_QUEUE_TARGET: "2s",
        TROUPE_STATESTORE_KEYS: KEY,
      },
      flags: ["--statestore-pool-size", "6"],
    });
    expect(settings.selections[0]?.options).toEqual({
      url: "postgres://u:p@h/d",
      poolSize: 6,
      queueTarget: 2000,
    });
  });

  test("instances have names of their own", () => {
    const { settings } = accepted({
      files: {
        "troupe.yaml": "activators:\n  nightly:\n    plugin: cron\n    schedule: '0 3 * * *'\n",
      },
      env: {
        TROUPE_ACTIVATOR_NIGHTLY_TIME_ZONE: "Europe/Berlin",
        TROUPE_AUTH: "token",
        TROUPE_AUTH_TOKEN_FILE: "tokens",
      },
    });
    const named = settings.selections.filter((each) => /auth|activator/.test(each.contract));
    expect(named).toEqual([
      {
        contract: "authenticator@1",
        plugin: "token",
        instance: "token",
        options: { file: "tokens" },
      },
      {
        contract: "activator@1",
        plugin: "cron",
        instance: "nightly",
        options: { schedule: "0 3 * * *", timeZone: "Europe/Berlin" },
      },
    ]);
  });

  test("a variable may switch on some of the instances of a file", () => {
    const { settings } = accepted({
      files: {
        "troupe.yaml":
          "activators:\n  a: {plugin: cron, schedule: x}\n  b: {plugin: cron, schedule: y}\n",
      },
      env: { TROUPE_ACTIVATORS: "b" },
    });
    const activators = settings.selections.filter((each) => each.contract === "activator@1");
    expect(activators.map((each) => each.instance)).toEqual(["b"]);
  });

  test("a listener may be open with identity, TLS, key and policy", () => {
    const { settings } = accepted({
      env: {
        ...open,
        TROUPE_AUTH: "token",
        TROUPE_ACL: "policy-files",
        TROUPE_ACL_PATH: "policies",
        TROUPE_TLS_CERT: "c",
        TROUPE_TLS_KEY: "k",
      },
    });
    expect(settings.httpAddr.host).toBe("0.0.0.0");
  });

  test("names that are not ours to judge are passed over", () => {
    const { warnings } = accepted({
      env: {
        TROUPE_SERVICE_HOST: "10.0.0.1",
        TROUPE_SERVICE_PORT_HTTP: "80",
        TROUPE_PORT: "tcp://10.0.0.1:80",
        TROUPE_PORT_7700_TCP_ADDR: "10.0.0.1",
        TROUPE_ADMIN_SERVICE_HOST: "10.0.0.1",
        TROUPE_ADMIN_PORT: "tcp://10.0.0.1:80",
        TROUPE_TEST_POSTGRES_URL: "x",
      },
    });
    expect(warnings).toEqual([]);
  });

  test("Spawn's names are aliases that are named", () => {
    const { settings, warnings } = accepted({
      env: {
        PROXY_DATABASE_TYPE: "Postgres",
        PROXY_DATABASE_POOL_SIZE: "10",
        PROXY_DATABASE_QUEUE_TARGET: "5000",
        PROXY_DATABASE_SSL: "false",
        PROXY_DATABASE_SECRET: "s/1",
        SPAWN_STATESTORE_KEY: KEY,
        PROXY_HTTP_PORT: "9001",
        SHUTDOWN_TIMEOUT_MS: "1500",
      },
    });
    const { options } = settings.selections[0] ?? {};
    expect(options).toEqual({
      url: "postgres://admin:s%2F1@127.0.0.1:5432/eigr-functions-db",
      poolSize: 10,
      queueTarget: 5000,
    });
    expect([settings.httpAddr.port, settings.shutdownTimeoutMs]).toEqual([9001, 1500]);
    expect(warnings.map((each) => each.message)).toContain(
      "PROXY_DATABASE_TYPE is an alias, its name here is TROUPE_STATESTORE",
    );
    expect(
      warnings.some((each) => each.message.startsWith("PROXY_DATABASE_SSL has no effect")),
    ).toBe(true);
  });

  test("Spawn's admin with the password admin stays on loopback", () => {
    const problems = refused({
      env: {
        PROXY_DATABASE_TYPE: "postgres",
        PROXY_DATABASE_HOST: "db",
        SPAWN_STATESTORE_KEY: KEY,
      },
    });
    expect(problems.map((each) => each.reason)).toEqual(["required"]);
  });

  test("what has no effect yet is said", () => {
    const { warnings } = accepted(env("TROUPE_WORKERS", "2"));
    expect(warnings.map((each) => each.key)).toEqual(["workers"]);
  });
});

describe("what is shown of configuration", () => {
  test("every value has its source, and secrets are masked", () => {
    const { effective } = accepted({
      files: { "troupe.yaml": "cluster: c1\n" },
      env: {
        TROUPE_STATESTORE: "postgres",
        TROUPE_STATESTORE_URL: "postgres://u:secret@h/d",
        TROUPE_STATESTORE_KEYS: KEY,
      },
    });
    const lines = describeSettings(effective);
    const find = (key: string) => lines.find((line) => line.key === key);
    expect(find("cluster")).toEqual({ key: "cluster", value: "c1", source: "troupe.yaml:1:1" });
    expect(find("statestore.url")).toMatchObject({
      value: "********",
      source: "TROUPE_STATESTORE_URL",
    });
    expect(find("statestore")).toMatchObject({ value: "postgres", source: "TROUPE_STATESTORE" });
    expect(find("limits.lease_ttl")).toMatchObject({ value: "15s", source: "default" });
    expect(JSON.stringify(lines)).not.toContain("secret@");
    expect(JSON.stringify(lines)).not.toContain(KEY);
  });

  test("the JSON Schema knows settings, limits and options", () => {
    const schema = JSON.parse(JSON.stringify(configSchema(catalogue)));
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.limits.properties.mailbox_calls).toMatchObject({
      type: "integer",
      minimum: 1,
    });
    expect(JSON.stringify(schema.properties.statestore)).toContain("pool_size");
  });

  test("the documented default of every setting is accepted as it is written", () => {
    const { effective } = accepted({});
    for (const { key, value } of describeSettings(effective)) {
      if (/^(statestore|placement|partition_tolerance|balancer|acl)/.test(key) || key === "port")
        continue;
      const name = `TROUPE_${key.toUpperCase().replaceAll(".", "_")}`;
      if (value !== "") accepted(env(name, value));
    }
  });
});
