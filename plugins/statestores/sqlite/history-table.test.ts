import { expect, test } from "bun:test";
import type { PortableRow } from "../../../src/contract/index.ts";
import { onSqlite } from "../../../test/support/sealed-store.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";

const ACTORS = 45_000;
const PAGE = 9_000;

test("past states of many actors are dropped over several calls, which come to all of them", async () => {
  using folder = tempDir();
  await onSqlite(folder.path, async (store) => {
    const actorOf = (index: number) => ({ system: "default", type: "counter", key: `k${index}` });
    const place = { epoch: 1, revision: 2, state: undefined, tags: {}, updatedMs: 1 };
    for (let from = 0; from < ACTORS; from += PAGE) {
      const rows: PortableRow[] = [];
      for (let index = from; index < from + PAGE; index += 1) {
        rows.push({ kind: "actor", actor: actorOf(index), ...place });
        // Every hundredth has something to drop.
        for (let revision = 1; revision <= (index % 100 === 0 ? 2 : 1); revision += 1) {
          const entry = { revision, committedMs: 1, tags: {}, action: "a", state: undefined };
          rows.push({ kind: "history", owner: actorOf(index), entry });
        }
      }
      await store.portability.write(rows);
    }
    const prune = (limit: number) =>
      store.history.prune({
        system: "default",
        type: "counter",
        policy: { kind: "last", count: 1 },
        limit,
      });
    const first = await prune(1_000);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(ACTORS / 100);
    // A call that may not drop all comes back to the same actors.
    const second = await prune(10);
    expect(second).toBe(10);
    let dropped = first + second;
    for (let call = 0; call < 3; call += 1) dropped += await prune(1_000);
    expect(dropped).toBe(ACTORS / 100);
    expect(await store.history.list(actorOf(100), { limit: 9 })).toMatchObject([{ revision: 2 }]);
    expect(await store.history.list(actorOf(101), { limit: 9 })).toMatchObject([{ revision: 1 }]);
  });
});
