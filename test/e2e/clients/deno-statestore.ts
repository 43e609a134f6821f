import type { ClaimResult, Plugin, Statestore } from "../../../src/contract/index.ts";
import { statestoreHost } from "../../conformance/support/statestore-host.ts";

/*
 * A statestore's plug-in on another runtime: opens the database at a URL twice, lets two nodes fight
 * for an actor, and prints what it found as JSON.
 *
 *   deno run -A deno-statestore.ts <plugin.ts> <url>
 */
const [path = "", url = ""] = process.argv.slice(2);
const { default: plugin } = (await import(path)) as {
  readonly default: Plugin<"statestore@1", Record<string, unknown>>;
};
const descriptors = plugin.options as Readonly<Record<string, { readonly default?: unknown }>>;
const defaults = Object.fromEntries(
  Object.entries(descriptors).map(([name, option]) => [name, option.default]),
);

async function open(): Promise<Statestore> {
  const store = plugin.create({ ...defaults, url }, statestoreHost("", { shared: true }));
  await store.start?.(AbortSignal.timeout(30_000));
  return store;
}

const actor = { system: "default", type: "counter", key: "a" };
const data = new Uint8Array(100_000).map((_, index) => index * 31);
const none = { outbox: [], schedules: [], history: [], historyPolicy: { kind: "none" } } as const;

async function claim(store: Statestore, node: string) {
  const session = { nodeName: node, bootId: node, address: "", ttlMs: 60_000 };
  const { id: sessionId } = await store.sessions.open(session);
  const [claimed] = await store.claim({ sessionId, actors: [actor], maxRequestIds: 10 });
  return { sessionId, claimed };
}

async function commit(store: Statestore, sessionId: number, claimed: ClaimResult | undefined) {
  if (claimed?.kind !== "claimed") throw new Error("not claimed");
  const { epoch, revision: baseRevision, handle } = claimed;
  const revision = baseRevision + 1;
  const change = { kind: "set", state: { data, type: "t" }, tags: { node: "é" } } as const;
  const dedup = [{ requestId: `r${epoch}`, digest: data.subarray(5, 9), revision, reply: data }];
  const position = { actor, handle, epoch, baseRevision, revision };
  return await store.commit({ sessionId, commits: [{ ...position, ...none, change, dedup }] });
}

const [first, second] = [await open(), await open()];
const one = await claim(first, "one");
const committed = await commit(first, one.sessionId, one.claimed);
const refused = await claim(second, "two");
await second.sessions.fence(one.sessionId, true);
const [heir] = await second.claim({
  sessionId: refused.sessionId,
  actors: [actor],
  maxRequestIds: 10,
});
const zombie = await commit(first, one.sessionId, one.claimed);
const read = await second.read(actor);
const reply = await second.dedup(actor, "r1");
const found = {
  runtime: "Deno" in globalThis ? "deno" : "other",
  product: await first.describe(),
  committed,
  refused: refused.claimed?.kind,
  heir: heir?.kind === "claimed" ? [heir.epoch, heir.revision, heir.requestIds] : heir,
  zombie,
  isWhole: read?.state?.data.every((byte, index) => byte === data[index]) ?? false,
  tags: read?.tags,
  reply: reply?.reply.length,
};
for (const store of [first, second]) await store.stop?.(AbortSignal.timeout(10_000));
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
