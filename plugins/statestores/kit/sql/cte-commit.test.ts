import { expect, test } from "bun:test";
import type { ActorCommit } from "../../../../src/contract/index.ts";
import {
  actorId,
  dedupOf,
  messageTo,
  set,
} from "../../../../test/conformance/support/statestore-fixture.ts";
import { CteCommit } from "./cte-commit.ts";
import { CTE_FRAGMENTS } from "./cte-dialect.ts";
import { encodeBatch, identified } from "./encode-batch.ts";
import type { SqlClient, SqlStatement, SqlValue } from "./sql-client.ts";

/** Keeps what it is given, and says that everything was won. */
class TextCounter implements SqlClient {
  readonly texts = new Set<string>();
  transactions = 0;
  #rows = 0;

  expect(rows: number): void {
    this.#rows = rows;
  }

  open = async () => undefined;
  close = async () => undefined;

  run = async ({ text, prepared }: SqlStatement, values: readonly SqlValue[]) => {
    this.texts.add(text);
    expect(prepared).toBe(true);
    // As many values as the text has places, or the server would refuse it.
    expect(Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, at]) => Number(at)))).toBe(
      values.length,
    );
    const rows = Array.from({ length: Math.min(this.#rows, 512) }, (_, place) => [place]);
    this.#rows -= rows.length;
    return { rows, changed: rows.length };
  };

  transaction: SqlClient["transaction"] = (body) => {
    this.transactions += 1;
    return body(this);
  };
}

function commitsOf(actors: number, replies: number, effects: boolean): readonly ActorCommit[] {
  return Array.from({ length: actors }, (_, index) => {
    const own = Array.from({ length: index === 0 ? replies : 0 }, (_none, at) =>
      dedupOf(`${at}`, 1),
    );
    return {
      actor: actorId(`${index}`),
      handle: 0,
      epoch: 1,
      baseRevision: 0,
      revision: 1,
      change: { ...set("x"), sameTags: true } as ActorCommit["change"],
      dedup: own,
      outbox: effects && index === 0 ? [messageTo(actorId("t"), 1, 0)] : [],
      schedules: [],
      history: [],
      historyPolicy: { kind: "none" },
    };
  });
}

test("batches of any size and shape need few texts, and win whom they were given", async () => {
  const counter = new TextCounter();
  const plan = new CteCommit({
    fragments: CTE_FRAGMENTS,
    typesEvery: false,
    table: (name) => name,
  });
  for (const actors of [1, 2, 3, 5, 8, 13, 31, 64, 100, 255, 256, 257, 512, 513, 1_100]) {
    for (const replies of [0, 1, 2, 7, 40, 600]) {
      for (const effects of [false, true]) {
        const commits = identified(commitsOf(actors, replies, effects));
        counter.expect(actors);
        const won = await plan.commit(counter, encodeBatch(1, commits));
        expect(won).toEqual(commits.map(({ identity }) => identity));
      }
    }
  }
  // Four shapes and ten sizes; a connection keeps each prepared.
  expect(counter.texts.size).toBeLessThanOrEqual(40);
  expect(counter.transactions).toBe(2 * 6 * 2);
});
