import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SqlError, type SqlValue } from "../kit/sql/sql-client.ts";
import { MYSQL_FRAGMENTS } from "./mysql-dialect.ts";
import { padded, sliced } from "./row-slices.ts";
import { serverError } from "./server-error.ts";
import { factsOf } from "./server-facts.ts";
import { ServerText, StatementTexts } from "./statement-texts.ts";

describe("statements in the server's words", () => {
  test("parameters come in the order of the text, as often as it names them", () => {
    const text = new ServerText("SELECT $2 FROM t WHERE a = $1 AND b = $2 AND c = $12");
    expect(text.text).toBe("SELECT ? FROM t WHERE a = ? AND b = ? AND c = ?");
    const values = Array.from({ length: 12 }, (_, index) => index + 1);
    expect(text.arrange(values)).toEqual([2, 1, 2, 12]);
    const inOrder = new ServerText("SELECT $1, $2");
    expect(inOrder.arrange(values)).toBe(values);
  });

  test.each([
    ["SELECT 1", true],
    ["  SHOW STATUS", true],
    ["SELECT a FROM t FOR UPDATE", false],
    ["UPDATE t SET a = 1", false],
    ["INSERT INTO t SELECT 1", false],
  ])("%p only reads: %p", (text, onlyReads) => {
    expect(new ServerText(text).onlyReads).toBe(onlyReads);
  });

  test("a text is rewritten once, and their number is bounded", () => {
    const texts = new StatementTexts();
    expect(texts.of("SELECT $1")).toBe(texts.of("SELECT $1"));
    const first = texts.of("SELECT $1");
    for (let index = 0; index < 5_000; index += 1) texts.of(`SELECT ${index}`);
    expect(texts.of("SELECT $1")).not.toBe(first);
  });

  test("rows after a position are spelled out", () => {
    const position = MYSQL_FRAGMENTS.after(["a", "b", "c"], ["$1", "$2", "$3"]);
    expect(position).toBe("(a >= $1 AND (a > $1 OR (b >= $2 AND (b > $2 OR (c > $3)))))");
    const isAfter = (row: readonly number[], of: readonly number[]): boolean => {
      const term = position.replaceAll("AND", "&&").replaceAll("OR", "||");
      const bound = term.replaceAll(/\$(\d)/g, (_, n: string) => String(of[Number(n) - 1]));
      const filled = bound.replaceAll(/[abc]/g, (name) => String(row["abc".indexOf(name)]));
      return new Function(`return ${filled}`)() as boolean;
    };
    const tuple = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2));
    fc.assert(
      fc.property(tuple, tuple, (row, of) => {
        expect(isAfter(row, of)).toBe(row.join("") > of.join(""));
      }),
    );
  });
});

describe("slices of rows", () => {
  const row = fc.tuple(
    fc.nat(),
    fc.integer({ min: 0, max: 15_000 }).map((length) => new Uint8Array(length)),
  );
  const packet = fc.integer({ min: 90_000, max: 200_000 });
  const rows = fc.array(row, { maxLength: 200 });

  test("hold every row once, in order, and are a power of two long", () => {
    fc.assert(
      fc.property(rows, packet, (list, packetBytes) => {
        const slices = sliced(list, packetBytes);
        expect(slices.flat()).toEqual(list);
        for (const { length } of slices) expect([1, 2, 4, 8, 16, 32, 64]).toContain(length);
      }),
    );
  });

  test("are filled up with the identity of their last row and nothing else", () => {
    fc.assert(
      fc.property(rows, packet, (list, packetBytes) => {
        const slices = padded(list, packetBytes);
        const isSpare = (one: readonly SqlValue[]) => one[1] === null;
        expect(slices.flat().filter((one) => !isSpare(one))).toEqual(list);
        for (const slice of slices) {
          expect([1, 2, 4, 8, 16, 32, 64]).toContain(slice.length);
          const real = slice.filter((one) => !isSpare(one));
          const identity = real.at(-1)?.[0] ?? null;
          for (const spare of slice.slice(real.length)) expect(spare).toEqual([identity, null]);
          const bytes = real.reduce((sum, [, data]) => sum + (data as Uint8Array).length, 0);
          if (real.length > 1) expect(bytes).toBeLessThanOrEqual(packetBytes / 2);
        }
      }),
    );
  });
});

test("a row that has no room in a packet is refused", () => {
  const rows = [[1, new Uint8Array(1_000_000)]];
  for (const slice of [padded, sliced]) {
    expect(slice(rows, 1_100_000)).toHaveLength(1);
    expect(() => slice(rows, 1_000_000)).toThrow("too large for max_allowed_packet=1000000");
  }
});

describe("what a server answers", () => {
  test.each([
    [1213, "Deadlock found when trying to get lock", "retry"],
    [1205, "Lock wait timeout exceeded", "retry"],
    [3024, "Query execution was interrupted", "timeout"],
    [1969, "Query execution was interrupted (max_statement_time exceeded)", "timeout"],
    [1062, "Duplicate entry 'secret' for key 'PRIMARY'", "duplicate"],
    [1021, "Disk full (/tmp/x); waiting for someone to free some space...", "full"],
    [1114, "The table 't' is full", "full"],
    [1026, "Error writing file 'x' (Errcode: 28 \"No space left on device\")", "full"],
    [1142, "UPDATE command denied to user 'u'", "permission"],
    [1044, "Access denied for user 'u' to database 'd'", "permission"],
    [1227, "Access denied; you need (at least one of) the SUPER privilege(s)", "permission"],
    [1290, "The server is running with the --read-only option", "permission"],
    [1045, "Access denied for user 'u'@'h' (using password: YES)", "login"],
    [1049, "Unknown database 'd'", "login"],
    [1040, "Too many connections", "unreachable"],
    [1053, "Server shutdown in progress", "lost"],
    [1146, "Table 'd.t' doesn't exist", "schema"],
    [1054, "Unknown column 'c' in 'field list'", "schema"],
    [1406, "Data too long for column 'c' at row 1: secret", "other"],
  ])("%p %p is %p", (number, message, kind) => {
    const error = serverError(number, message);
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({ kind, serverCode: String(number), mayHaveCommitted: false });
    expect(error.message).not.toContain("secret");
  });
});

describe("what a server says of itself", () => {
  const SAFE = [1, 0, 0, 1, "fsync"] as const;
  const PACKET = 16 * 1024 * 1024;

  test.each([
    ["10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19", undefined],
    ["5.5.5-10.6.0-MariaDB", "MariaDB 10.6.0", undefined],
    ["10.5.29-MariaDB", "MariaDB 10.5.29", "MariaDB 10.5.29 is too old; 10.6 or later is needed"],
    ["11.8.6-MariaDB-ubu2404-log", "MariaDB 11.8.6", undefined],
    ["9.7.4-2", "MySQL 9.7.4", undefined],
    ["8.0.44", "MySQL 8.0.44", undefined],
    ["5.7.44-log", "MySQL 5.7.44", "MySQL 5.7.44 is too old; 8.0 or later is needed"],
    ["8.0.11-TiDB-v8.5.0", "MySQL 8.0.11", "TiDB is not supported; MySQL or MariaDB is needed"],
  ])("%p is %p and refused with %p", (version, product, refusal) => {
    const { facts } = factsOf([version, PACKET, ...SAFE], []);
    expect(facts).toEqual({ product, refusal, unsafe: [] });
  });

  test.each([
    [[2, 0, 0, 1, "fsync"], ["innodb_flush_log_at_trx_commit=2"]],
    [[1, 1, 0, "ON", "fsync"], ["sync_binlog=0"]],
    [[1, "ON", 1000, "ON", "O_DIRECT"], ["sync_binlog=1000"]],
    [[1, "OFF", 0, "ON", "O_DIRECT"], []],
    [[1, 0, 0, 0, "fsync"], ["innodb_doublewrite=OFF"]],
    [[1, 0, 0, "DETECT_ONLY", "fsync"], ["innodb_doublewrite=DETECT_ONLY"]],
    [[1, 0, 0, "DETECT_AND_RECOVER", "nosync"], ["innodb_flush_method=nosync"]],
  ] as const)("%p is unsafe for %p", (settings, unsafe) => {
    const { facts } = factsOf(["9.7.4", PACKET, ...settings], []);
    expect(facts.unsafe).toEqual([...unsafe]);
  });

  test("without a redo log nothing is safe, and small packets are refused", () => {
    const { facts } = factsOf(["9.7.4", 1024, ...SAFE], [["Innodb_redo_log_enabled", "OFF"]]);
    expect(facts.unsafe).toEqual(["innodb_redo_log_enabled=OFF"]);
    expect(facts.refusal).toStartWith("max_allowed_packet=1024 is too small");
  });
});
