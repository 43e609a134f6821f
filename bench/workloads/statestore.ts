import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActorCommit, ClaimResult, Statestore } from "../../src/contract/index.ts";
import sqlite from "../../plugins/statestores/sqlite/plugin.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import type { BenchSettings } from "../support/bench-settings.ts";
import type { Report, Row } from "../support/report.ts";

type Claimed = Extract<ClaimResult, { readonly kind: "claimed" }>;

const ACTORS = 1_000;
const STATE_BYTES = 1_024;
const SIZES = [1, 16, 64, 256];

const VARIANTS = ["state", "state + dedup"] as const;

interface Load {
  readonly store: Statestore;
  readonly sessionId: number;
  readonly claimed: readonly Claimed[];
  readonly revisions: number[];
}

async function prepare(folder: string): Promise<Load> {
  const options = {
    path: "",
    mode: "exclusive",
    cache: 32 * 1024 * 1024,
    migrate: "auto",
  } as const;
  const store = sqlite.create(options, statestoreHost(folder));
  await store.start(AbortSignal.timeout(30_000));
  const session = { nodeName: "bench", bootId: "b", address: "", ttlMs: 3_600_000 };
  const { id: sessionId } = await store.sessions.open(session);
  const actors = Array.from({ length: ACTORS }, (_, index) => {
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
  runMs: number,
): Promise<Row["figures"]> {
  const data = new Uint8Array(STATE_BYTES).fill(7);
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
      next = (next + 1) % ACTORS;
    }
    const results = await load.store.commit({ sessionId: load.sessionId, commits });
    for (const [position, result] of results.entries()) {
      if (result !== "committed") throw new Error(`not committed: ${result}`);
      const index = (next - size + position + ACTORS * size) % ACTORS;
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
  return {
    "commits/s": done / seconds,
    "fsyncs/s": batches / seconds,
    "main thread µs": main,
    "store thread µs": rest,
  };
}

/**
 * Single-row commits of the embedded statestore alone, in batches as the committer makes them: one
 * batch under way, the next goes when it has returned.
 */
export async function statestore({ runMs }: BenchSettings): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const rows: Row[] = [];
  try {
    const load = await prepare(folder);
    for (const size of SIZES) {
      for (const variant of VARIANTS) {
        const figures = await measure(load, size, variant, runMs);
        rows.push({ name: `batches of ${size}, ${variant}`, figures });
      }
    }
    await load.store.stop?.(AbortSignal.timeout(30_000));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    workload: "statestore",
    settings: `Commits into SQLite alone, ${ACTORS} actors of ${STATE_BYTES} bytes, not encrypted.`,
    rows,
  };
}
