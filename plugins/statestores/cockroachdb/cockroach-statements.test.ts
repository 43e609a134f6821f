import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { statementTexts } from "../../../test/conformance/support/recorded-texts.ts";
import { cockroachDialect, judged } from "./cockroach-dialect.ts";

/*
 * CockroachDB is not to be had wherever these tests run, so what it is told is kept in files, to be
 * read by people and compared by machines. A change of a statement is written there by
 *
 *   TROUPE_TEST_WRITE_GOLDEN=1 bun test plugins/statestores/cockroachdb/cockroach-statements.test.ts
 */
const FOLDER = join(import.meta.dir, "golden");

const texts = await statementTexts(cockroachDialect("public"));
const fileOf = (statements: readonly string[]): string => `${statements.join(";\n\n")};\n`;

describe("every statement is as its file has it", () => {
  test.each(Object.keys(texts))("%s", (name) => {
    const path = join(FOLDER, `${name}.sql`);
    const found = fileOf(texts[name] ?? []);
    if (process.env["TROUPE_TEST_WRITE_GOLDEN"] === "1") writeFileSync(path, found);
    expect(found).toBe(readFileSync(path, "utf8"));
  });

  test("and no file is left over", () => {
    const names = Object.keys(texts).map((name) => `${name}.sql`);
    expect(readdirSync(FOLDER).sort()).toEqual(names.sort());
  });
});

describe("every statement", () => {
  const all = Object.values(texts).flat();
  const queries = all.filter((text) => !text.startsWith("CREATE"));

  test("changes a table at most once", () => {
    for (const text of queries) {
      const changed = [...text.matchAll(/(?:INSERT INTO|UPDATE|DELETE FROM)\s+("public"\.\w+)/g)];
      const names = changed.map(([, name]) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("returns something wherever it changes a table on the way", () => {
    for (const text of queries.filter((one) => one.startsWith("WITH"))) {
      const changes = text.match(/^ {2}(?:INSERT INTO|UPDATE|DELETE FROM)/gm) ?? [];
      expect(text.match(/RETURNING/g) ?? []).toHaveLength(changes.length);
    }
  });

  test("uses nothing that CockroachDB lacks", () => {
    const lacking =
      /advisory|LISTEN|NOTIFY|COLLATE|ctid|xmin|xmax|pg_sleep|TABLESAMPLE|fillfactor|\bUSING\b/i;
    expect(all.filter((text) => lacking.test(text))).toEqual([]);
  });

  test("has no value of anybody's in it", () => {
    expect(queries.filter((text) => /body 1|digest of|"colour"|state 1/.test(text))).toEqual([]);
  });
});

describe("a server says what it is", () => {
  test.each([
    ["CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27)", true],
    ["CockroachDB OSS v22.2.0 (x86_64-pc-linux-gnu)", true],
    ["CockroachDB CCL v24.1.0-beta.1 (x)", true],
    ["CockroachDB CCL v22.1.18 (x86_64-pc-linux-gnu)", false],
    ["CockroachDB CCL v9.9.9 (x)", false],
  ])("%s", (version, isGood) => {
    const { product, refusal } = judged(version);
    expect(product.startsWith("CockroachDB")).toBe(true);
    expect(refusal === undefined).toBe(isGood);
  });
});
