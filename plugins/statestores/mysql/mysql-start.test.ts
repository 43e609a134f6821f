import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  actorId,
  claim,
  commit,
  json,
  openSession,
  rejectionOf,
  save,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { answersHandshake } from "../../../test/services/handshake.ts";
import { PrivateServer } from "../../../test/services/private-server.ts";
import { SERVICE_KINDS } from "../../../test/services/service-kinds.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { asRoot, mysqlServers } from "../../../test/support/mysql-databases.ts";
import { MysqlStores } from "../../../test/support/mysql-stores.ts";
import { TcpFaultProxy } from "../../../test/support/tcp-fault-proxy.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { bunDriver } from "./driver-bun.ts";
import plugin from "./plugin.ts";

const signal = () => AbortSignal.timeout(30_000);

function schemaTests(url: string): void {
  const stores = new MysqlStores(url, bunDriver);
  afterAll(() => stores.drop());

  /** Runs `body` over a database with one saved actor. */
  async function filled(
    body: (dir: string, edit: (...all: string[]) => Promise<unknown[][]>) => Promise<void>,
  ): Promise<void> {
    using folder = tempDir();
    const store = await stores.open(folder.path);
    const session = await openSession(store);
    await save(store, await claim(store, session.id, actorId("a")), 0, "kept");
    await store.stop(signal());
    const database = await stores.database(folder.path);
    await body(folder.path, (...all) => asRoot(url, `USE ${database}`, ...all));
  }

  test.each([
    [
      "a newer schema",
      "INSERT INTO troupe_schema VALUES (12, 'x', 'y', 0)",
      "schema_newer",
      78,
      "schema_newer have=1 found=12",
    ],
    ["no table of steps", "DROP TABLE troupe_schema", "schema_unknown", 65, "schema_unknown"],
    [
      "a missing index",
      "DROP INDEX outbox_ready ON troupe_outbox",
      "schema_mismatch",
      65,
      "missing index outbox_ready of outbox",
    ],
    [
      "an index that is not unique any more",
      "ALTER TABLE troupe_sessions DROP INDEX sessions_up, ADD INDEX sessions_up (up_name)",
      "schema_mismatch",
      65,
      "index sessions_up of sessions is (up_name), not unique (up_name)",
    ],
    [
      "a missing primary key",
      "ALTER TABLE troupe_seeds DROP PRIMARY KEY",
      "schema_mismatch",
      65,
      "missing index PRIMARY of seeds",
    ],
    [
      "a missing column",
      "ALTER TABLE troupe_actors DROP COLUMN state_type",
      "schema_mismatch",
      65,
      "missing column actors.state_type",
    ],
    [
      "a column of another type",
      "ALTER TABLE troupe_actors MODIFY commits INT NOT NULL",
      "schema_mismatch",
      65,
      "column actors.commits is int not null, not bigint not null",
    ],
    [
      "a column that takes names for equal",
      "ALTER TABLE troupe_types MODIFY actor_type VARCHAR(63) CHARACTER SET ascii NOT NULL",
      "schema_mismatch",
      65,
      "column types.actor_type is varchar(63) ascii_general_ci not null",
    ],
    [
      "a missing table",
      "DROP TABLE troupe_seeds",
      "schema_mismatch",
      65,
      "missing column seeds.actor",
    ],
    [
      "a forged step",
      "UPDATE troupe_schema SET checksum = 'x'",
      "schema_mismatch",
      65,
      "step 1 of the schema differs",
    ],
  ])("over %s, and nothing is written", (_name, sql, reason, exitCode, message) =>
    filled(async (dir, edit) => {
      await edit(sql);
      const left = () => edit("SELECT revision, epoch, updated_ms FROM troupe_actors");
      const before = await left();
      const error = await rejectionOf(stores.open(dir));
      expect(error).toMatchObject({ name: "ServerError", details: { reason, exitCode } });
      expect(String(error)).toContain(message);
      expect(await left()).toEqual(before);
    }),
  );

  test("over the store of another cluster, and over none where nothing may be migrated", () =>
    filled(async (dir) => {
      const other = await rejectionOf(stores.open(dir, { host: { cluster: "other" } }));
      expect(other).toMatchObject({ details: { reason: "cluster_mismatch", exitCode: 78 } });
      using empty = tempDir();
      const old = await rejectionOf(stores.open(empty.path, { migrate: "check" }));
      expect(old).toMatchObject({ details: { reason: "schema_old", exitCode: 78 } });
      await stores.make(empty.path).migrations?.apply(signal());
      await (await stores.open(empty.path, { migrate: "check" })).stop(signal());
    }));

  test("where nobody listens, and where the user is unknown or may not make tables", async () => {
    using folder = tempDir();
    const port = await freePort();
    const away = await rejectionOf(stores.open(folder.path, { address: { port } }));
    expect(away).toMatchObject({ details: { reason: "db_unavailable", exitCode: 69 } });
    const nobody = { user: "nobody", password: "hunter2" };
    const login = await rejectionOf(stores.open(folder.path, { address: nobody }));
    expect(login).toMatchObject({ details: { reason: "db_login", exitCode: 77 } });
    expect(Bun.inspect(login)).not.toContain("hunter2");
    const database = await stores.database(folder.path);
    const user = database.slice(-20);
    const grant = `GRANT SELECT ON ${database}.* TO '${user}'@'%'`;
    await asRoot(url, `CREATE USER '${user}'@'%' IDENTIFIED BY 'x'`, grant);
    try {
      const reader = { user, password: "x" };
      const denied = await rejectionOf(stores.open(folder.path, { address: reader }));
      expect(denied).toMatchObject({ details: { reason: "db_permission", exitCode: 77 } });
      await (await stores.open(folder.path)).stop(signal());
      const few = await rejectionOf(stores.open(folder.path, { address: reader }));
      expect(few).toMatchObject({ details: { reason: "db_permission", exitCode: 77 } });
    } finally {
      await asRoot(url, `DROP USER '${user}'@'%'`);
    }
  });

  test.each([1, 2, 3])(
    "processes that start together on nothing all find one schema: %p",
    async () => {
      using folder = tempDir();
      await stores.database(folder.path);
      const all = await Promise.all(Array.from({ length: 5 }, () => stores.open(folder.path)));
      const opened = await Promise.all(
        all.map((store, node) => openSession(store, `node-${node}`)),
      );
      expect(new Set(opened.map(({ id }) => id)).size).toBe(5);
      await Promise.all(all.map((store) => store.stop(signal())));
    },
  );

  test.each([1, 2, 7, 12])(
    "a migration whose connection breaks after %p tables is finished by the next start",
    async (tables) => {
      using folder = tempDir();
      const { hostname, port } = new URL(url);
      await using proxy = await TcpFaultProxy.start(hostname, Number(port));
      let made = 0;
      proxy.watch((direction, bytes) => {
        if (direction === "down") return "pass";
        if (Buffer.from(bytes).includes("CREATE TABLE")) made += 1;
        return made === tables ? "cut-after" : "pass";
      });
      const broken = await rejectionOf(stores.open(folder.path, { address: { port: proxy.port } }));
      expect(broken).toMatchObject({ details: { reason: "db_unavailable" } });
      const store = await stores.open(folder.path);
      const session = await openSession(store);
      await save(store, await claim(store, session.id, actorId("a")), 0, "works");
      expect((await store.read(actorId("a")))?.state).toEqual(json("works"));
      await store.stop(signal());
      const database = await stores.database(folder.path);
      const steps = `SELECT COUNT(*) FROM ${database}.troupe_schema`;
      expect(await asRoot(url, steps)).toEqual([[1]]);
    },
  );
}

for (const { name, url } of mysqlServers()) {
  if (url !== undefined)
    describe(`a start on ${name} is refused or made good`, () => schemaTests(url));
}

for (const kind of SERVICE_KINDS.filter(({ name }) => name === "MariaDB" || name === "MySQL")) {
  const isAbsent = kind.find() === undefined;
  if (isAbsent) process.stdout.write(`skipped: ${kind.name} is not installed\n`);
  describe.skipIf(isAbsent)(`the settings of a ${kind.name}`, () => {
    const answers = (url: string) =>
      answersHandshake("127.0.0.1", Number(new URL(url).port), kind.handshake);
    let server: PrivateServer;
    let stores: MysqlStores;
    beforeAll(async () => {
      server = await PrivateServer.start(kind, answers);
      stores = new MysqlStores(server.url, bunDriver);
    }, 90_000);
    afterAll(() => server[Symbol.asyncDispose](), 30_000);

    const binaryLog = kind.name === "MySQL" ? ["sync_binlog=0"] : [];
    const doublewrite = kind.name === "MySQL" ? ["innodb_doublewrite=DETECT_ONLY"] : [];
    const unsafe = ["innodb_flush_log_at_trx_commit=2", ...binaryLog, ...doublewrite];
    test.each(unsafe)("%s is refused unless it is accepted", async (setting) => {
      using folder = tempDir();
      const [variable] = setting.split("=");
      const [before] = await asRoot(server.url, `SELECT @@GLOBAL.${variable}`);
      await asRoot(server.url, `SET GLOBAL ${setting.replace("=DETECT_ONLY", "='DETECT_ONLY'")}`);
      const error = await rejectionOf(stores.open(folder.path));
      expect(error).toMatchObject({ details: { reason: "unsafe_durability", exitCode: 78 } });
      expect(String(error)).toContain(setting);
      const accepted = await stores.open(folder.path, { host: { acceptUnsafeDurability: true } });
      await accepted.stop(signal());
      const value = typeof before?.[0] === "string" ? `'${before[0]}'` : Number(before?.[0]);
      await asRoot(server.url, `SET GLOBAL ${variable} = ${value}`);
      await (await stores.open(folder.path)).stop(signal());
    });

    test("packets that are too small are refused", async () => {
      using folder = tempDir();
      await asRoot(server.url, "SET GLOBAL max_allowed_packet = 1048576");
      const error = await rejectionOf(stores.open(folder.path));
      expect(error).toMatchObject({ details: { reason: "db_refused", exitCode: 78 } });
      expect(String(error)).toContain("max_allowed_packet=1048576 is too small");
      await asRoot(server.url, "SET GLOBAL max_allowed_packet = 67108864");
    });

    test("a state that has no room in a packet is refused, and nothing else", async () => {
      using folder = tempDir();
      await asRoot(server.url, "SET GLOBAL max_allowed_packet = 4194304");
      const store = await stores.open(folder.path);
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("a"));
      const state = { data: new Uint8Array(5_000_000), type: "t" };
      const large = turn(mine, 0, { change: { kind: "set", state, tags: {} } });
      const refused = await rejectionOf(commit(store, session.id, large));
      expect(refused).toMatchObject({ code: "state.too_large", outcome: "not_applied" });
      await save(store, mine, 0, "#".repeat(2_097_152));
      await store.stop(signal());
      await asRoot(server.url, "SET GLOBAL max_allowed_packet = 67108864");
    });

    test("a default character set, mode or isolation of the server does not matter", async () => {
      using folder = tempDir();
      await asRoot(
        server.url,
        "SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'",
        "SET GLOBAL time_zone = '+05:30'",
        "SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET GLOBAL init_connect = 'SET NAMES latin1'",
        "SET GLOBAL autocommit = 0",
      );
      const store = await stores.open(folder.path);
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("ключ"));
      await save(store, mine, 0, "\u{1F600}", { ü: "\u{1F600}" });
      expect(await store.read(actorId("ключ"))).toMatchObject({ tags: { ü: "\u{1F600}" } });
      expect(await claim(store, session.id, actorId("ключ"))).toMatchObject({ epoch: 2 });
      await store.meta.put("named", Uint8Array.of(1));
      const named = `SELECT COUNT(*) FROM ${await stores.database(folder.path)}.troupe_meta`;
      expect(await asRoot(server.url, named)).toEqual([[2]]);
      await store.stop(signal());
    });
  });
}

test("a URL that cannot be used is refused with 78, without its password", () => {
  const { options } = plugin;
  const defaults = Object.fromEntries(
    Object.entries(options).map(([name, { default: value }]) => [name, value]),
  ) as unknown as Parameters<typeof plugin.create>[0];
  const create = (url: string) => plugin.create({ ...defaults, url }, statestoreHost(""));
  for (const url of [
    "postgres://u:hunter2@h/d",
    "mysql://u:hunter2@h",
    "mysql://u:hunter2@h/d?x=1",
  ]) {
    try {
      create(url);
      throw new Error("was taken");
    } catch (error) {
      expect(error).toMatchObject({
        name: "ServerError",
        details: { reason: "url", exitCode: 78 },
      });
      expect(String(error)).not.toContain("hunter2");
    }
  }
  expect(create("mariadb://u:p@db.example:3307/troupe?ssl-mode=verify_identity")).toBeDefined();
  expect(() => create("mysql://u:p@db.example/troupe?ssl-mode=disabled")).toThrow("in the clear");
});
