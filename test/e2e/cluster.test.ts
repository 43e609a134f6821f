import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkCounter } from "../simulation/checkers/counter-checker.ts";
import type { CounterState } from "../simulation/sim-actors.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { formed, holdersOf, startMember, statusOf } from "./support/cluster-members.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { LedgerLoad } from "./support/ledger-load.ts";
import { ACTORS, runToEnd, TroupeProcess, type TroupeServer } from "./support/troupe-process.ts";

const KEYS = ["a", "b", "c", "d", "e", "f"];
const CALLERS_EACH = 2;
const LONG_MS = 60_000;
const CLOSE = { connection: "close" };
const NO_QUOTA = {
  TROUPE_LIMITS_PRINCIPAL_RATE: "1000000",
  TROUPE_LIMITS_PRINCIPAL_BURST: "1000000",
  TROUPE_LIMITS_PRINCIPAL_IN_FLIGHT_PERCENT: "100",
};

/** Three members over one embedded store, known to each other. */
async function startThree(
  cwd: string,
  files: readonly string[] = [ACTORS],
): Promise<readonly TroupeServer[]> {
  const members: TroupeServer[] = [];
  for (const name of ["n1", "n2", "n3"]) members.push(await startMember(cwd, name, [], files));
  await formed(members);
  return members;
}

async function killAll(members: readonly TroupeServer[]): Promise<void> {
  for (const member of members) {
    member.signal("SIGCONT");
    await member[Symbol.asyncDispose]();
  }
}

/** What was acknowledged is there once, by whichever member it is read. */
async function expectKept(load: LedgerLoad, url: string): Promise<void> {
  for (const key of KEYS) {
    const { status, value } = await readJson(url, `ledger/${key}`);
    expect(status).toBe(200);
    const ops = load.ops.filter(({ actor }) => actor.key === key);
    expect(checkCounter(ops, value as CounterState)).toEqual([]);
  }
}

function seconds(fromMs: number): string {
  return ((performance.now() - fromMs) / 1000).toFixed(1);
}

test("troupe dev --nodes 3 is a cluster: any member takes any call", async () => {
  using folder = tempDir();
  const port = await freePort();
  const at = (offset: number): string => `127.0.0.1:${port + offset}`;
  const addresses = ["--http-addr", at(0), "--admin-addr", at(1), "--peer-addr", "127.0.0.1:0"];
  await using cluster = new TroupeProcess({
    cwd: folder.path,
    args: ["dev", ACTORS, "--nodes", "3", ...addresses],
    env: NO_QUOTA,
  });
  await waitUntil("all are ready", () => cluster.stdout.includes("3 members"), LONG_MS);
  const list = ["cluster", "members", "--json", "--url", `http://${at(1)}`];
  await waitUntil(
    "they know each other",
    async () => {
      const { stdout } = await runToEnd({ cwd: folder.path, args: list });
      const { members } = JSON.parse(stdout) as { members: { linked: boolean; types: number }[] };
      return members.filter(({ linked, types }) => linked && types === 3).length === 3;
    },
    LONG_MS,
  );
  const values: unknown[] = [];
  for (const offset of [0, 10, 20, 0]) {
    values.push((await callJson(`http://${at(offset)}`, "counter/bar/add", 1)).value);
  }
  expect(values).toEqual([1, 2, 3, 4]);
  const owner = await runToEnd({
    cwd: folder.path,
    args: ["cluster", "owner", "counter/bar", "--url", `http://${at(1)}`],
  });
  expect(owner.stdout).toMatch(/^counter\/bar belongs to node-[123]\n/);
  cluster.signal("SIGTERM");
  expect((await cluster.ended()).code).toBe(0);
}, 120_000);

test("troupe serve --workers 3 is a cluster behind one port", async () => {
  using folder = tempDir();
  const port = await freePort();
  const [client, admin] = [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`];
  const addresses = ["--http-addr", client, "--admin-addr", admin, "--peer-addr", "127.0.0.1:0"];
  await using cluster = new TroupeProcess({
    cwd: folder.path,
    args: ["serve", "--actors", ACTORS, "--workers", "3", "--shutdown-delay=0s", ...addresses],
    env: NO_QUOTA,
  });
  await waitUntil("all are ready", () => cluster.stdout.includes("3 members"), LONG_MS);
  // Each call on a connection of its own, so that every worker takes some.
  for (let n = 1; n <= 12; n += 1) {
    const { value } = await callJson(`http://${client}`, "counter/bar/add", 1, CLOSE);
    expect(value).toBe(n);
  }
  cluster.signal("SIGTERM");
  expect((await cluster.ended()).code).toBe(0);
}, 120_000);

test("a watch hears of what is committed on another member", async () => {
  using folder = tempDir();
  const members = [await startMember(folder.path, "n1"), await startMember(folder.path, "n2")];
  try {
    await formed(members);
    const [one, two] = members as [TroupeServer, TroupeServer];
    await callJson(one.url, "counter/bar/add", 1);
    const watches = members.map(
      ({ url }) =>
        new TroupeProcess({
          cwd: folder.path,
          args: ["state", "counter/bar", "--watch", "--json", "--url", url],
        }),
    );
    const heard = (text: string): boolean => watches.every(({ stdout }) => stdout.includes(text));
    await waitUntil("both have begun", () => heard('"count":1'));
    await callJson(two.url, "counter/bar/add", 41);
    await waitUntil("both hear of it", () => heard('"count":42'));
    expect(watches.map(({ running }) => running)).toEqual([true, true]);
    for (const watch of watches) await watch.kill9();
  } finally {
    await killAll(members);
  }
}, 120_000);

test("kill -9 of one member under load keeps every acknowledged write, once", async () => {
  using folder = tempDir();
  const members = await startThree(folder.path);
  try {
    const load = new LedgerLoad(members.map(({ url }) => url));
    load.start(KEYS, CALLERS_EACH);
    await waitUntil("calls are acknowledged", () => load.acknowledged > 300, LONG_MS);
    const [first, second, third] = members as [TroupeServer, TroupeServer, TroupeServer];
    const killedMs = performance.now();
    await second.kill9();
    const dead = (): boolean => first.logged("member.dead").length > 0;
    await waitUntil("the death is known", dead, LONG_MS);
    const detected = seconds(killedMs);
    await waitUntil("its session is fenced", () => first.logged("topology.fenced").length > 0);
    // Every ledger goes on, also those that the dead one had.
    const known = new Map(KEYS.map((key) => [key, load.acknowledgedBy(key)]));
    for (const [key, before] of known) {
      const goesOn = (): boolean => load.acknowledgedBy(key) > before;
      await waitUntil(`ledger ${key} goes on`, goesOn, LONG_MS);
    }
    const recovered = seconds(killedMs);
    const after = load.acknowledged;
    await waitUntil("calls go on", () => load.acknowledged > after + 300, LONG_MS);
    await load.stop();
    console.log(`kill -9: detected after ${detected} s, all answer after ${recovered} s`);
    await expectKept(load, third.url);
  } finally {
    await killAll(members);
  }
}, 180_000);

test("a member that ends gracefully hands its actors over, and no call is lost", async () => {
  using folder = tempDir();
  const members = await startThree(folder.path);
  try {
    let slowest = 0;
    const load = new LedgerLoad(
      members.map(({ url }) => url),
      (ms) => (slowest = Math.max(slowest, ms)),
    );
    load.start(KEYS, CALLERS_EACH);
    await waitUntil("calls are acknowledged", () => load.acknowledged > 300, LONG_MS);
    const [first, second] = members as [TroupeServer, TroupeServer];
    slowest = 0;
    second.signal("SIGTERM");
    expect((await second.ended()).code).toBe(0);
    await waitUntil("the farewell is known", () => first.logged("member.left").length > 0);
    const after = load.acknowledged;
    await waitUntil("calls go on", () => load.acknowledged > after + 300, LONG_MS);
    await load.stop();
    console.log(`SIGTERM: the slowest acknowledged attempt took ${Math.round(slowest)} ms`);
    expect(first.logged("member.dead")).toEqual([]);
    await expectKept(load, first.url);
  } finally {
    await killAll(members);
  }
}, 180_000);

test("strangers are turned away with the reason, and members are unharmed", async () => {
  using folder = tempDir();
  using other = tempDir();
  const key = (fill: number): string => Buffer.alloc(32, fill).toString("base64");
  const port = String(await freePort());
  const member = await startMember(folder.path, "n1", [
    `--gossip-keys=${key(1)}`,
    `--peer-addr=127.0.0.1:${port}`,
  ]);
  const stranger = (...args: string[]): Promise<TroupeServer> =>
    startMember(other.path, "x", ["--discovery=static", `--seeds=127.0.0.1:${port}`, ...args]);
  const reasons = (): unknown[] => member.logged("swim.dropped").map(({ reason }) => reason);
  try {
    {
      await using _wrongKey = await stranger(`--gossip-keys=${key(2)}`);
      await waitUntil("the key is refused", () => reasons().includes("auth"), LONG_MS);
    }
    {
      const args = [`--gossip-keys=${key(1)}`, "--cluster=other", "--data-dir=second"];
      await using _otherCluster = await stranger(...args);
      await waitUntil("the cluster is refused", () => reasons().includes("cluster"), LONG_MS);
    }
    expect((await statusOf(member)).members.map(({ node }) => node)).toEqual(["n1"]);
    expect((await callJson(member.url, "counter/bar/add", 1)).value).toBe(1);
  } finally {
    await killAll([member]);
  }
}, 120_000);

/** `hold` says that it runs by one file, and goes on when there is the other. */
const HELD = `
  import { existsSync, writeFileSync } from "node:fs";
  export default { type: "held", initial: { turns: 0 }, actions: {
    async hold(ctx, name) {
      writeFileSync(name + ".runs", "");
      while (!existsSync(name + ".go")) await new Promise((resolve) => setTimeout(resolve, 5));
      return (ctx.state.turns += 1);
    },
    now: (ctx) => (ctx.state.turns += 1),
  } };`;

test("an owner that stood still past its lease commits nothing when it goes on", async () => {
  using folder = tempDir();
  const path = join(folder.path, "held");
  writeFileSync(`${path}.ts`, HELD);
  const members = await startThree(folder.path, [`${path}.ts`]);
  try {
    const [any] = members as [TroupeServer];
    expect((await callJson(any.url, "held/bar/now")).value).toBe(1);
    const [owner] = (await holdersOf(members, { type: "held", key: "bar" })) as [TroupeServer];
    const [heir] = members.filter((member) => member !== owner) as [TroupeServer];
    const before = (await statusOf(owner)).session;
    const late = callJson(owner.url, "held/bar/hold", path).catch(() => undefined);
    await waitUntil("the turn runs", () => existsSync(`${path}.runs`));
    owner.signal("SIGSTOP");
    writeFileSync(`${path}.go`, "");
    const taken = async (): Promise<unknown> => {
      const { status, value } = await callJson(heir.url, "held/bar/now");
      return status === 200 ? value : undefined;
    };
    expect(await waitUntil("another member has the actor", taken, LONG_MS)).toBe(2);
    owner.signal("SIGCONT");
    const fenced = (): boolean => owner.logged("session.fenced").length > 0;
    await waitUntil("it has noticed", fenced, LONG_MS);
    // Its turn ended, and nothing of it counts: neither for its caller nor in the store.
    expect((await late)?.status).not.toBe(200);
    expect((await readJson(heir.url, "held/bar")).value).toEqual({ turns: 2 });
    const back = async (): Promise<boolean> => {
      const { session, members: seen } = await statusOf(owner);
      return session > before && seen.length === 3;
    };
    await waitUntil("it is a member again", back, LONG_MS);
    expect((await callJson(owner.url, "held/bar/now")).value).toBe(3);
  } finally {
    await killAll(members);
  }
}, 180_000);

test("members with certificates and keys of one cluster are linked", async () => {
  using folder = tempDir();
  const authority = new CertificateAuthority(folder.path, "members");
  const { cert, key } = authority.issue("member", "IP:127.0.0.1");
  const args = [
    `--gossip-keys=${Buffer.alloc(32, 1).toString("base64")}`,
    `--peer-tls-cert=${cert}`,
    `--peer-tls-key=${key}`,
    `--peer-tls-ca=${authority.pair.cert}`,
  ];
  const members = [
    await startMember(folder.path, "n1", args),
    await startMember(folder.path, "n2", args),
  ];
  try {
    await formed(members);
    for (const { url } of members) {
      expect((await callJson(url, "counter/bar/add", 1)).status).toBe(200);
    }
    for (const member of members) expect(member.logged("peer.plaintext")).toEqual([]);
  } finally {
    await killAll(members);
  }
}, 120_000);
