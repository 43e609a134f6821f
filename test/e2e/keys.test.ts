import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import {
  ACTORS,
  fatalOf,
  runToEnd,
  startServe,
  type TroupeServer,
} from "./support/troupe-process.ts";

const keyOf = (name: string, byte: number): string =>
  `${name}:${Buffer.alloc(32, byte).toString("base64")}`;
const OLD = keyOf("old", 1);
const NEW = keyOf("new", 2);
const CANARY = "canary-5e1f0b";
const NODES = ["one", "two"] as const;
const ACTORS_EACH = 12;
const LEAST_BEFORE = 60;
const DEADLINE_MS = 60_000;

interface KeyRow {
  readonly id: string;
  readonly state: string;
  readonly rows: number;
}

interface KeyStatus {
  readonly keys: readonly KeyRow[];
  readonly resealing: { readonly running: boolean; readonly moved: number };
}

/** A node that shares the store in `cwd` with others of this machine. */
function startNode(cwd: string, name: string, keys: string): Promise<TroupeServer> {
  return startServe(cwd, {
    args: ["--actors", ACTORS],
    env: {
      TROUPE_NODE_NAME: name,
      TROUPE_DATA_DIR: join(cwd, name),
      TROUPE_STATESTORE_PATH: join(cwd, "shared.db"),
      TROUPE_STATESTORE_MODE: "shared",
      TROUPE_STATESTORE_KEYS: keys,
      TROUPE_LIMITS_RESEAL_RATE: "2000",
      TROUPE_SHUTDOWN_DELAY: "0s",
    },
  });
}

function troupe(server: TroupeServer, cwd: string, args: readonly string[]) {
  const env = { TROUPE_URL: server.url, TROUPE_ADMIN_URL: server.adminUrl };
  return runToEnd({ cwd, args, env });
}

async function keysOf(server: TroupeServer, cwd: string): Promise<KeyStatus> {
  const { code, stdout, stderr } = await troupe(server, cwd, ["keys", "status", "--json"]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as KeyStatus;
}

const rowsOf = ({ keys }: KeyStatus, id: string): number =>
  keys.find((key) => key.id === id)?.rows ?? 0;

/** Appends to ledgers of one node without end, whichever process is that node just now. */
class Writer {
  readonly counts = new Map<string, number>();
  readonly wrong: string[] = [];
  written = 0;
  readonly #node: string;
  readonly #url: () => string;
  readonly #loops: Promise<void>[] = [];
  #stopped = false;

  constructor(node: string, url: () => string) {
    this.#node = node;
    this.#url = url;
    for (let index = 0; index < ACTORS_EACH; index += 1) {
      this.#loops.push(this.#write(`${node}-${index}`));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #write(key: string): Promise<void> {
    for (let turn = 1; !this.#stopped; turn += 1) {
      const position = await this.#append(key, `${CANARY} ${this.#node} ${turn}`, turn);
      if (position !== turn) this.wrong.push(`${key} has ${position}, not ${turn}`);
      this.counts.set(key, turn);
      this.written += 1;
    }
  }

  /** Repeats one append by its request id until it is answered, across restarts of the node. */
  async #append(key: string, text: string, turn: number): Promise<unknown> {
    const headers = { "idempotency-key": `${key}-${turn}` };
    const attempt = async (): Promise<{ readonly position: unknown } | undefined> => {
      try {
        const { status, value } = await callJson(
          this.#url(),
          `ledger/${key}/append`,
          text,
          headers,
        );
        if (status === 200) return { position: value };
        const { code } = value as { readonly code: string };
        if (code === "data_loss") this.wrong.push(`${key} is ${JSON.stringify(value)}`);
      } catch {
        // Nobody listens there just now.
      }
      return undefined;
    };
    return (await waitUntil(`${key} is answered`, attempt, DEADLINE_MS)).position;
  }
}

test("keys are rotated on two nodes under load, and the old one can be taken away", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const logs: string[] = [];
  const servers = new Map<string, TroupeServer>();
  const start = async (name: string, keys: string): Promise<void> => {
    servers.set(name, await startNode(cwd, name, keys));
  };
  const stop = async (name: string): Promise<void> => {
    const server = servers.get(name);
    server?.signal("SIGTERM");
    const ended = await server?.ended();
    expect(ended?.code).toBe(0);
    logs.push(ended?.stderr ?? "");
  };
  const serverOf = (name: string): TroupeServer => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`no node is called ${name}`);
    return server;
  };
  await using _ = {
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
    },
  };

  for (const name of NODES) await start(name, OLD);
  const writers = NODES.map((name) => new Writer(name, () => serverOf(name).url));
  const written = (): number => writers.reduce((sum, writer) => sum + writer.written, 0);
  const more = (count: number): Promise<true> => {
    const goal = written() + count;
    return waitUntil("more is written", () => written() >= goal || undefined, DEADLINE_MS);
  };
  await more(LEAST_BEFORE);
  // First every node can open what the new key seals, then it seals with it, then the old one goes.
  for (const keys of [`${OLD},${NEW}`, `${NEW},${OLD}`]) {
    for (const name of NODES) {
      await stop(name);
      await start(name, keys);
      await more(LEAST_BEFORE);
    }
  }
  await waitUntil(
    "no row is under the old key",
    async () => {
      const status = await keysOf(serverOf("one"), cwd);
      return (!status.resealing.running && rowsOf(status, "old") === 0) || undefined;
    },
    DEADLINE_MS,
  );
  await more(LEAST_BEFORE);
  await Promise.all(writers.map((writer) => writer.stop()));
  expect(writers.flatMap(({ wrong }) => wrong)).toEqual([]);
  const status = await keysOf(serverOf("two"), cwd);
  expect(rowsOf(status, "old")).toBe(0);
  expect(rowsOf(status, "new")).toBeGreaterThan(written());
  for (const name of NODES) await stop(name);

  for (const name of NODES) await start(name, NEW);
  for (const [index, name] of NODES.entries()) {
    for (const [key, count] of writers[index]?.counts ?? []) {
      const { status: code, value } = await readJson(serverOf(name).url, `ledger/${key}`);
      expect([key, code]).toEqual([key, 200]);
      const { ops } = value as { readonly ops: readonly string[] };
      expect(ops).toEqual(Array.from({ length: count }, (__, at) => `${CANARY} ${name} ${at + 1}`));
    }
  }
  expect((await keysOf(serverOf("one"), cwd)).keys.map(({ id }) => id)).toEqual(["new"]);
  for (const path of ["shared.db", "shared.db-wal"]) {
    const file = join(cwd, path);
    if (existsSync(file)) expect(readFileSync(file).includes(CANARY)).toBe(false);
  }
  for (const name of NODES) await stop(name);
  expect(readFileSync(join(cwd, "shared.db")).includes(CANARY)).toBe(false);
  expect(logs.join("").includes(CANARY)).toBe(false);
  expect(logs.join("").includes("keys.resealed")).toBe(true);
}, 240_000);

test("a key is not retired while rows lie under it, and one that is gone is named", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const env = (keys: string) => ({ TROUPE_STATESTORE_KEYS: keys, TROUPE_SHUTDOWN_DELAY: "0s" });
  const args = ["--actors", ACTORS];
  const run = async (keys: string, work: (server: TroupeServer) => Promise<void>) => {
    await using server = await startServe(cwd, { args, env: env(keys) });
    await work(server);
    server.signal("SIGTERM");
    expect((await server.ended()).code).toBe(0);
  };
  await run(OLD, async ({ url }) => {
    expect((await callJson(url, "counter/a/add", 7)).value).toBe(7);
  });
  const retired = `${NEW},${OLD}:retired`;
  const refused = await runToEnd({ cwd, args: ["serve"], env: env(retired) });
  expect([refused.code, fatalOf(refused).reason]).toEqual([78, "key_in_use"]);
  expect(refused.stderr).toContain("2 rows are still under state key old");
  await run(NEW, async (server) => {
    expect((await readJson(server.url, "counter/a")).status).toBe(500);
    expect(server.logged("keys.missing")).toMatchObject([{ key: "old", rows: 2 }]);
    const shown = await troupe(server, cwd, ["keys", "status"]);
    expect(shown.stdout.trimEnd().split(/\s*\n/)).toEqual([
      "KEY  STATE    ROWS",
      "new  active   0",
      "old  missing  2",
    ]);
  });
  await run(`${NEW},${OLD}`, async (server) => {
    await waitUntil("the rows are moved", async () => {
      return rowsOf(await keysOf(server, cwd), "old") === 0 || undefined;
    });
    expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(8);
  });
  await run(retired, async (server) => {
    expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(9);
  });
}, 120_000);

test("a shredded actor cannot be read again by anybody who has the keys", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const path = join(cwd, "store.db");
  const env = { TROUPE_STATESTORE_KEYS: OLD, TROUPE_STATESTORE_PATH: path };
  const args = ["--actors", ACTORS];
  await using server = await startServe(cwd, { args, env });
  const id = { "idempotency-key": "mine" };
  expect((await callJson(server.url, "ledger/a/append", CANARY, id)).value).toBe(1);
  expect((await callJson(server.url, "ledger/b/append", CANARY)).value).toBe(1);
  const shredded = await troupe(server, cwd, ["state", "delete", "ledger/a", "--shred"]);
  expect(shredded).toMatchObject({ code: 0, stdout: "shredded ledger/a, revision 2\n" });
  const [line] = server.logged("actor.shredded");
  expect(line).toMatchObject({ actor: "default/ledger/a", revision: 2 });
  const repeated = await callJson(server.url, "ledger/a/append", CANARY, id);
  expect([repeated.status, (repeated.value as { code?: string }).code]).toEqual([
    409,
    "already_exists",
  ]);
  expect(JSON.stringify(repeated.value)).toContain("SHREDDED");
  expect((await readJson(server.url, "ledger/a")).value ?? null).toBeNull();
  expect((await callJson(server.url, "ledger/a/append", "again")).value).toBe(1);
  const plain = await troupe(server, cwd, ["state", "delete", "ledger/b", "--json"]);
  expect(JSON.parse(plain.stdout)).toEqual({ revision: 2, shred: false });
  await server.kill9();
  await using again = await startServe(cwd, { args, env });
  expect((await readJson(again.url, "ledger/a")).value).toEqual({ ops: ["again"] });
  expect(readFileSync(path).includes(CANARY)).toBe(false);
}, 60_000);
