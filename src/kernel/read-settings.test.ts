import { describe, expect, test } from "bun:test";
import { accepted, env, KEY, open, refused } from "../../test/support/config-fixture.ts";
import { DEFAULT_LIMITS, type Limits } from "../domain/limits.ts";

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
      "static",
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

  test("a secret on the command line is accepted with a warning", () => {
    const { warnings } = accepted({ flags: ["--statestore-keys", KEY] });
    expect(warnings.map((each) => each.key)).toEqual(["statestore_keys"]);
  });

  test("seeds are read with and without a port, and this machine among several is said", () => {
    const { settings, warnings } = accepted(env("TROUPE_SEEDS", "node-b,[::1]:7702, node-c:9"));
    expect(settings.seeds).toEqual(["node-b", "[::1]:7702", "node-c:9"]);
    expect(warnings).toEqual([]);
    const said = accepted(env("TROUPE_SEEDS", "localhost:7702,node-b:7702")).warnings;
    expect(said.map(({ message }) => message)).toEqual([
      "seeds names this machine itself among others",
    ]);
  });

  test("what has no effect yet is said", () => {
    const { warnings } = accepted(env("TROUPE_REDUNDANCY", "replication"));
    expect(warnings.map((each) => each.key)).toEqual(["redundancy"]);
  });
});
