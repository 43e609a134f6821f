import { describe, expect, test } from "bun:test";
import type { Migrations, SchemaStep } from "../../../src/contract/index.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { actorId, claim, openSession, type StatestoreSubject, save } from "./statestore-fixture.ts";

const signal = (): AbortSignal => AbortSignal.timeout(20_000);

/** The schema by command, where a store has one. */
export function migrationTests(subject: StatestoreSubject): void {
  const over = async (body: (migrations: Migrations, dir: string) => Promise<void>) => {
    using folder = tempDir();
    const { migrations } = subject.make?.(folder.path) ?? {};
    if (migrations !== undefined) await body(migrations, folder.path);
  };

  describe(`${subject.name}: the schema by command`, () => {
    test("an empty database lacks every step, and a look at it changes nothing", () =>
      over(async (migrations) => {
        const first = await migrations.plan(signal());
        expect(first.have).toBe(0);
        expect(first.want).toBeGreaterThan(0);
        const versions = first.pending.map(({ version }) => version);
        expect(versions).toEqual(Array.from({ length: first.want }, (_, index) => index + 1));
        for (const { name, statements } of first.pending) {
          expect(name).not.toBe("");
          expect(statements.length).toBeGreaterThan(0);
        }
        expect(await migrations.plan(signal())).toEqual(first);
      }));

    test("steps are taken once and told one by one; then a start finds nothing to do", () =>
      over(async (migrations, dir) => {
        const { want, pending } = await migrations.plan(signal());
        const told: SchemaStep[] = [];
        const taken = await migrations.apply(signal(), (step) => void told.push(step));
        expect(taken).toEqual([...pending]);
        expect(told).toEqual([...pending]);
        expect(await migrations.plan(signal())).toEqual({ have: want, want, pending: [] });
        expect(await migrations.apply(signal(), (step) => void told.push(step))).toEqual([]);
        expect(told).toEqual([...pending]);
        const store = await subject.open(dir);
        const session = await openSession(store);
        await save(store, await claim(store, session.id, actorId("a")), 0, "kept");
        await store.stop?.(signal());
        expect(await migrations.plan(signal())).toEqual({ have: want, want, pending: [] });
      }));

    test("of many that take the steps at once each step is taken by one, or they find it locked", () =>
      over(async (migrations, dir) => {
        const { pending } = await migrations.plan(signal());
        const all = Array.from({ length: 4 }, () => subject.make?.(dir).migrations);
        const settled = await Promise.allSettled(all.map((each) => each?.apply(signal())));
        const taken = settled.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
        expect(taken).toEqual([...pending]);
        for (const one of settled) {
          if (one.status === "rejected")
            expect(one.reason).toMatchObject({ outcome: "not_applied" });
        }
      }));
  });
}
