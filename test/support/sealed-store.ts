import { randomFillSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sqlite from "../../plugins/statestores/sqlite/plugin.ts";
import type { SqliteStatestore } from "../../plugins/statestores/sqlite/sqlite-statestore.ts";
import type { ActorTypeSpec, Statestore } from "../../src/contract/index.ts";
import { makeSealer, parseKeyring } from "../../src/platform/envelope.ts";
import {
  actorId,
  claim,
  commit,
  openSession,
  turn,
} from "../conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../conformance/support/statestore-host.ts";

const FAR_MS = 253_370_764_800_000;

/** A type whose every past state is kept. */
export const KEPT: ActorTypeSpec = {
  system: "default",
  type: "counter",
  kind: "unnamed",
  stateful: true,
  durability: "commit",
  actions: [],
  openActions: true,
  deactivationTimeoutMs: 600_000,
  reentrant: false,
  reads: "fenced",
  history: { kind: "all" },
  stateType: "application/json",
  mailboxCalls: 1_000,
  mailboxBytes: 8_388_608,
};

/** Writes a file with one new key of this id; answers its path. */
export function keyFile(dir: string, id = "a"): string {
  const path = join(dir, `${id}-${Bun.nanoseconds()}.key`);
  const secret = randomFillSync(Buffer.alloc(32)).toString("base64");
  writeFileSync(path, `${id}:${secret}`, { mode: 0o600 });
  return path;
}

/** The embedded store of a folder, started. */
export async function openSqlite(
  dir: string,
  mode: "exclusive" | "shared" = "exclusive",
): Promise<SqliteStatestore> {
  const options = { path: "", mode, cache: 4 * 1024 * 1024, migrate: "auto" } as const;
  const store = sqlite.create(options, statestoreHost(dir));
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

/** Runs `body` over the embedded store of a folder and stops it again. */
export async function onSqlite<T>(
  dir: string,
  body: (store: SqliteStatestore) => Promise<T>,
): Promise<T> {
  const store = await openSqlite(dir);
  try {
    return await body(store);
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
}

/**
 * Actors with three sealed revisions each and rows of every kind, as a node would have committed
 * them; the first half of them with a seed of their own.
 */
export async function fillSealed(
  store: Statestore,
  keys: string,
  names: readonly string[],
): Promise<void> {
  const sealer = makeSealer(parseKeyring(keys), "test");
  await store.types.put([KEPT]);
  for (const check of sealer.checks ?? []) {
    await store.meta.putIfAbsent(`key-check/${check.keyId.toHex()}`, check.seal());
  }
  await store.meta.putIfAbsent("encryption", Uint8Array.of(1));
  const session = await openSession(store);
  for (const [index, name] of names.entries()) {
    const mine = await claim(store, session.id, actorId(name));
    const seeded = index < names.length / 2 ? sealer.seeds?.make(mine.actor) : undefined;
    const seal = (purpose: Parameters<typeof sealer.seal>[0], revision: number, label: string) =>
      sealer.seal(
        purpose,
        mine.actor,
        revision,
        label,
        Buffer.from(`secret of ${name}`),
        seeded?.seed,
      );
    const type = "text/plain";
    for (let revision = 1; revision <= 3; revision += 1) {
      const id = `1.${revision}.0`;
      const target = actorId("target");
      const one = turn(mine, revision - 1, {
        change: {
          kind: "set",
          state: { type, data: seal("state", revision, type) },
          tags: { colour: "red" },
        },
        dedup: [
          {
            requestId: `r${revision}`,
            digest: new Uint8Array(32),
            revision,
            reply: seal("dedup", revision, `r${revision}`),
          },
        ],
        outbox: [
          {
            id,
            revision,
            index: 0,
            target,
            action: "add",
            body: seal("outbox", revision, id),
            delayMs: 0,
          },
        ],
        schedules: [
          {
            kind: "set",
            name: "s",
            dueMs: FAR_MS,
            repeat: "",
            action: "tick",
            body: seal("schedule", 0, "s"),
          },
        ],
        history: [
          {
            revision,
            state: { type, data: seal("history", revision, type) },
            tags: {},
            action: "add",
          },
        ],
        historyPolicy: KEPT.history,
        ...(seeded !== undefined && { seed: seeded.wrapped }),
      });
      const [result] = await commit(store, session.id, one);
      if (result !== "committed") throw new Error(`the commit was ${String(result)}`);
    }
  }
  await store.sessions.close(session.id);
}
