import { describe, expect, test } from "bun:test";
import type { Statestore, StatestoreHost } from "../../../src/contract/index.ts";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";
import {
  actorId,
  claim,
  commit,
  dedupOf,
  openSession,
  rejectionOf,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import type { SqlClient } from "../kit/sql/sql-client.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import { PostgresClient } from "../postgres/postgres-client.ts";
import { statementError } from "../postgres/postgres-errors.ts";
import { cockroachDialect } from "./cockroach-dialect.ts";

/*
 * What CockroachDB says when it could not put a transaction in order, said by the driver's seam over a
 * real server: before the work was done, after it was undone, or after it was done for good.
 */

const backend = postgresBackend();
const absent = backend === undefined;

/** When the work of a transaction that fails is done: not at all, or before the failure. */
type Moment = "before" | "after";

interface Injection {
  readonly code: string;
  readonly moment: Moment;
  /** How many transactions in a row fail. */
  left: number;
}

const answered = (code: string): Error =>
  statementError(
    Object.assign(new Error("restart transaction"), { code, severity: "ERROR", routine: "" }),
  );

/** Fails whole transactions as it is told; what is done `after` stays done only if it says so. */
function injecting(client: SqlClient, injection: () => Injection | undefined): SqlClient {
  const wrapped = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = injection();
    if (now === undefined || now.left === 0) return await work();
    now.left -= 1;
    if (now.moment === "after") await work();
    throw answered(now.code);
  };
  return {
    open: (signal) => client.open(signal),
    close: (signal) => client.close(signal),
    run: (...parameters) => wrapped(() => client.run(...parameters)),
    transaction: (...parameters) => wrapped(() => client.transaction(...parameters)),
  };
}

async function withInjections(
  body: (store: Statestore, inject: (injection: Injection) => void) => Promise<void>,
  changes: Partial<StatestoreHost> = {},
): Promise<void> {
  if (backend === undefined) return;
  using folder = tempDir();
  const host = statestoreHost(folder.path, { shared: true, ...changes });
  const { hostname, port, username, pathname } = new URL(backend.url);
  const place = {
    host: hostname,
    port: Number(port),
    socketPath: "",
    tls: "off",
    tlsCa: "",
  } as const;
  const address = { ...place, user: username, password: "", database: pathname.slice(1) };
  let current: Injection | undefined;
  const store = new SqlStatestore(
    host,
    {
      dialect: cockroachDialect(backend.schemaOf(folder.path)),
      place: "here",
      connect: (limits) => {
        const begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";
        const { clock } = host;
        const client = new PostgresClient({
          address,
          limits,
          clock,
          prepare: true,
          begin,
          parameters: {},
        });
        return injecting(client, () => current);
      },
    },
    { poolSize: 4, queueTarget: 5_000, connectTimeout: 5_000, migrate: "auto" },
  );
  await store.start(AbortSignal.timeout(20_000));
  try {
    await body(store, (injection) => {
      current = injection;
    });
  } finally {
    current = undefined;
    await store.stop(AbortSignal.timeout(10_000));
  }
}

const TURNS = [
  ["a state and a reply", { ...set("1"), sameTags: true }],
  ["tags", set("1", { colour: "red" })],
] as const;

describe.skipIf(absent).each(TURNS)("a commit of %s", (_name, change) => {
  const first = { change, dedup: [dedupOf("r", 1)] };

  test.each(["40001", "40P01"])("that is answered %s is repeated", (code) =>
    withInjections(async (store, inject) => {
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("a"));
      inject({ code, moment: "before", left: 4 });
      expect(await commit(store, session.id, turn(mine, 0, first))).toEqual(["committed"]);
      expect((await store.read(actorId("a")))?.revision).toBe(1);
    }),
  );

  test("that is never put in order is refused as not applied, after as many tries", () =>
    withInjections(
      async (store, inject) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const injection = { code: "40001", moment: "before", left: 100 } as const;
        const counted: Injection = { ...injection };
        inject(counted);
        const error = await rejectionOf(commit(store, session.id, turn(mine, 0, first)));
        expect(error).toMatchObject({
          code: "state.unavailable",
          outcome: "not_applied",
          details: { reason: "STORE_BUSY" },
        });
        expect(100 - counted.left).toBe(5);
        counted.left = 0;
        expect((await store.read(actorId("a")))?.revision).toBe(0);
      },
      { transactionTries: 5, queryTimeoutMs: 20_000 },
    ));

  test.each(["before", "after"] as const)(
    "whose fate the server does not know (40003, %s the work) is unknown, and told by a read",
    (moment) =>
      withInjections(async (store, inject) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        inject({ code: "40003", moment, left: 1 });
        const error = await rejectionOf(commit(store, session.id, turn(mine, 0, first)));
        expect(error).toMatchObject({ code: "state.unavailable", outcome: "unknown" });
        const isApplied = moment === "after";
        expect((await store.read(actorId("a")))?.revision).toBe(isApplied ? 1 : 0);
        const again = await commit(store, session.id, turn(mine, 0, first));
        expect(again).toEqual([isApplied ? "conflict" : "committed"]);
        expect((await store.dedup(actorId("a"), "r"))?.revision).toBe(1);
      }),
  );
});

test.skipIf(absent)(
  "a claim whose fate is not known is made again, and raises the epoch once more",
  () =>
    withInjections(async (store, inject) => {
      const session = await openSession(store);
      inject({ code: "40003", moment: "after", left: 1 });
      const mine = await claim(store, session.id, actorId("a"));
      expect(mine).toMatchObject({ epoch: 2, revision: 0, existed: true });
      expect(await commit(store, session.id, turn(mine, 0, { change: set("1") }))).toEqual([
        "committed",
      ]);
    }),
);
