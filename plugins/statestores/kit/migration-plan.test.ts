import { expect, test } from "bun:test";
import { type Migration, migrationChecksum, planMigrations } from "./migration-plan.ts";

const step = (version: number): Migration => {
  return { version, name: `step ${version}`, statements: [`CREATE TABLE t${version} (a)`] };
};
const known = [step(1), step(2), step(3)];
const applied = known.map((one) => ({ version: one.version, checksum: migrationChecksum(one) }));

test("a database takes the steps that it lacks", () => {
  expect(planMigrations(known, [])).toEqual({ kind: "apply", pending: known });
  expect(planMigrations(known, applied.slice(0, 2))).toEqual({ kind: "apply", pending: [step(3)] });
  expect(planMigrations(known, applied)).toEqual({ kind: "apply", pending: [] });
});

test("a newer database is refused with both versions", () => {
  expect(planMigrations(known.slice(0, 1), applied)).toEqual({ kind: "newer", have: 1, found: 3 });
});

test("a step that was recorded with other statements, or not at all, is named", () => {
  const forged = [applied[0], { version: 2, checksum: "other" }, applied[2]];
  const rows = forged.flatMap((row) => (row === undefined ? [] : [row]));
  expect(planMigrations(known, rows)).toEqual({ kind: "changed", version: 2 });
  expect(planMigrations(known, applied.slice(1))).toEqual({ kind: "changed", version: 1 });
});
