import { expect, test } from "bun:test";
import { sentText } from "./statement-text.ts";

test("places become parameters, and casts declarations", () => {
  expect(sentText("SELECT $1, $10, CAST($2 AS bigint), CAST($3 AS varchar(63))")).toEqual({
    text: "SELECT @p1, @p10, @p2, @p3",
    types: [
      undefined,
      { base: "bigint", length: undefined },
      { base: "varchar", length: 63 },
      ...Array.from({ length: 7 }, () => undefined),
    ],
  });
});

test("a place may be named again, and one cast is enough", () => {
  const { text, types } = sentText("WHERE a = $1 OR b = CAST($1 AS varbinary(max)) OR c = $1");
  expect(text).toBe("WHERE a = @p1 OR b = @p1 OR c = @p1");
  expect(types).toEqual([{ base: "varbinary", length: "max" }]);
});

test("casts to other types stay", () => {
  const { text, types } = sentText("SELECT CAST($1 AS int), CAST(a AS bigint)");
  expect(text).toBe("SELECT CAST(@p1 AS int), CAST(a AS bigint)");
  expect(types).toEqual([undefined]);
});

test("two types for one place are a fault of the statement", () => {
  expect(() => sentText("SELECT CAST($1 AS bigint), CAST($1 AS binary(32))")).toThrow("two types");
});
