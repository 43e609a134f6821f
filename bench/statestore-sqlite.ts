/**
 * How many single-row commits per second the embedded statestore takes, in batches as the
 * committer makes them: one batch under way, the next goes when it returned.
 *
 *   bun bench/statestore-sqlite.ts [--folder .] [--actors 1000] [--bytes 1024] [--seconds 3]
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ActorCommit, ClaimResult, Statestore } from "../src/contract/index.ts";
import sqlite from "../plugins/statestores/sqlite/plugin.ts";
import { statestoreHost } from "../test/conformance/support/statestore-host.ts";

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: "." },
    actors: { type: "string", default: "1000" },
    bytes: { type: "string", default: "1024" },
    seconds: { type: "string", default: "3" },
  },
});
const actorCount = Number(values.actors);
const stateBytes = Number(values.bytes);
const runMs = Number(values.seconds) * 1000;

type Claimed = Extract<ClaimResult, { readonly kind: "claimed" }>;

const VARIANTS = ["state", "state + dedup"] as const;

interface Load {
  readonly store: Statestore;
  readonly sessionId: number;
  readonly claimed: readonly Claimed[];
  readonly revisions: number[];
}

async function prepare(folder: string): Promise<Load> {
  const options = { path: "", mode: "exclusive", cache: 32 * 1024 * 1024 } as const;
  const store = sqlite.create(options, statestoreHost(folder));
  await store.start(AbortSignal.timeout(30_000));
  const session = { nodeName: "bench", bootId: "b", address: "", ttlMs: 3_600_000 };
  const { id: sessionId } = await store.sessions.open(session);
  const actors = Array.from({ length: actorCount }, (_, index) => {
    return { system: "default", type: "counter", key: `actor-${index}` };
  });
  const claimed = await store.claim({ sessionId, actors, maxRequestIds: 0 });
  const all = claimed.filter((one): one is Claimed => one.kind === "claimed");
  return { store, sessionId, claimed: all, revisions: all.map(() => 0) };
}

function oneCommit(
  load: Load,
  index: number,
  variant: (typeof VARIANTS)[number],
  data: Uint8Array,
): ActorCommit {
  const claimed = load.claimed[index];
  const baseRevision = load.revisions[index] ?? 0;
  if (claimed === undefined) throw new Error("no such actor");
  const revision = baseRevision + 1;
  const requestId = `${index}-${revision}-0123456789abcdef`;
  const record = { requestId, digest: data.subarray(0, 16), revision, reply: data.subarray(0, 64) };
  return {
    actor: { system: "default", type: "counter", key: `actor-${index}` },
    handle: claimed.handle,
    epoch: claimed.epoch,
    baseRevision,
    revision,
    change: { kind: "set", state: { data, type: "application/json" }, tags: {} },
    dedup: variant === "state" ? [] : [record],
    outbox: [],
    schedules: [],
    history: [],
    historyPolicy: { kind: "none" },
  };
}

async function measure(
  load: Load,
  size: number,
  variant: (typeof VARIANTS)[number],
): Promise<string> {
  const data = new Uint8Array(stateBytes).fill(7);
  const begin = performance.now();
  const processBefore = process.cpuUsage();
  const threadBefore = process.threadCpuUsage();
  let next = 0;
  let done = 0;
  let batches = 0;
  while (performance.now() - begin < runMs) {
    const commits: ActorCommit[] = [];
    for (let taken = 0; taken < size; taken++) {
      commits.push(oneCommit(load, next, variant, data));
      next = (next + 1) % actorCount;
    }
    const results = await load.store.commit({ sessionId: load.sessionId, commits });
    for (const [position, result] of results.entries()) {
      if (result !== "committed") throw new Error(`not committed: ${result}`);
      const index = (next - size + position + actorCount * size) % actorCount;
      load.revisions[index] = (load.revisions[index] ?? 0) + 1;
    }
    done += size;
    batches += 1;
  }
  const seconds = (performance.now() - begin) / 1000;
  const thread = process.threadCpuUsage(threadBefore);
  const whole = process.cpuUsage(processBefore);
  const main = (thread.user + thread.system) / done;
  const rest = (whole.user + whole.system) / done - main;
  return [
    variant.padEnd(14),
    String(size).padStart(5),
    Math.round(done / seconds)
      .toLocaleString("en")
      .padStart(12),
    main.toFixed(2).padStart(12),
    rest.toFixed(2).padStart(12),
    Math.round(batches / seconds)
      .toLocaleString("en")
      .padStart(10),
  ].join(" ");
}

/** Milliseconds that one small write with `fdatasync` takes on this disk, the median of 200. */
function fsyncMs(folder: string): number {
  const file = openSync(join(folder, "fsync"), "w");
  const times: number[] = [];
  for (let round = 0; round < 200; round++) {
    const begin = performance.now();
    writeSync(file, new Uint8Array(4096));
    fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  closeSync(file);
  return times.sort((a, b) => a - b)[100] ?? 0;
}

const folder = mkdtempSync(join(values.folder, "bench-sqlite-"));
try {
  console.log(`${cpus()[0]?.model ?? ""}, ${cpus().length} cores, bun ${process.versions.bun}`);
  console.log(
    `${actorCount} actors, ${stateBytes} B of state, fsync ${fsyncMs(folder).toFixed(2)} ms`,
  );
  console.log("variant        batch    commits/s  main us/com rest us/com   fsyncs/s");
  const load = await prepare(folder);
  for (const size of [1, 16, 64, 256, 512].filter((one) => one <= actorCount)) {
    for (const variant of VARIANTS) console.log(await measure(load, size, variant));
  }
  const begin = performance.now();
  await load.store.stop?.(AbortSignal.timeout(30_000));
  console.log(`stop with checkpoint: ${(performance.now() - begin).toFixed(0)} ms`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
