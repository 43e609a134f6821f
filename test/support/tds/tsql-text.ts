/*
 * The T-SQL of the statestore in the words of SQLite, so that a double can run it. It knows the forms
 * that the statestore uses and no others: whatever is left over is SQLite's own syntax error. Locking
 * hints and join hints are dropped, so what they are for is not shown by what runs here.
 */

/** What one statement of a batch does. */
export type TsqlStep =
  | { readonly kind: "begin" }
  | { readonly kind: "commit" }
  /** `DECLARE @name type = expression`: a query for its value. */
  | { readonly kind: "value"; readonly name: string; readonly query: string }
  /** `DECLARE @name TABLE (…)` */
  | { readonly kind: "table"; readonly name: string; readonly columns: string }
  /** `sp_getapplock` with its answer in a variable. */
  | { readonly kind: "lock"; readonly name: string }
  /** A statement; with `into` the first column of its RETURNING goes to a table variable. */
  | { readonly kind: "run"; readonly text: string; readonly into?: string }
  | { readonly kind: "other"; readonly text: string };

const HINTS = "UPDLOCK|READPAST|ROWLOCK|SERIALIZABLE|READCOMMITTEDLOCK";

const WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /DATEDIFF_BIG\(millisecond, '1970-01-01', SYSUTCDATETIME\(\)\)/g,
    "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  ],
  [new RegExp(` ?WITH \\((?:${HINTS})(?:, (?:${HINTS}))*\\)`, "g"), ""],
  [/INNER LOOP JOIN/g, "JOIN"],
  [/OFFSET 0 ROWS FETCH NEXT (.+?) ROWS ONLY/g, "LIMIT $1"],
  [/\bN'/g, "'"],
  [/COUNT_BIG\(/g, "count("],
  [/ISJSON\(/g, "json_valid("],
  [/STRING_AGG\(/g, "group_concat("],
  [/CONVERT\(varchar\(max\), ([\w.]+), 2\)/g, "hex($1)"],
  [/DATALENGTH\(/g, "octet_length("],
  [/\b0x\b/g, "x''"],
  [/\bdbo\.(?=\w)/g, ""],
  [/@(asked|taken|won)\b/g, "variable_$1"],
];

/** The steps of a batch. */
export function tsqlSteps(batch: string): readonly TsqlStep[] {
  return batch
    .split(/;\s*(?:\n|$)/)
    .map((text) => text.trim().replace(/;$/, ""))
    .filter((text) => text !== "")
    .map(stepOf);
}

function stepOf(text: string): TsqlStep {
  if (text === "BEGIN TRANSACTION") return { kind: "begin" };
  if (text === "COMMIT TRANSACTION") return { kind: "commit" };
  const table = /^DECLARE @(\w+) TABLE \((.*)\)$/s.exec(text);
  if (table !== null) {
    return { kind: "table", name: `variable_${table[1]}`, columns: columnsOf(table[2] ?? "") };
  }
  const value = /^DECLARE @(\w+) \w+(?: = (.*))?$/s.exec(text);
  if (value !== null) {
    return { kind: "value", name: `@${value[1]}`, query: `SELECT ${inSqlite(value[2] ?? "NULL")}` };
  }
  const lock = /^EXEC @(\w+) = sp_getapplock /.exec(text);
  if (lock !== null) return { kind: "lock", name: `@${lock[1]}` };
  if (/^(?:CREATE|ALTER|DROP) |SERVERPROPERTY|FROM sys\./.test(text))
    return { kind: "other", text: text.replaceAll("dbo.", "") };
  const output = /\s+OUTPUT inserted\.actor INTO @(\w+)/.exec(text);
  if (output === null) return { kind: "run", text: inSqlite(text) };
  const run = `${inSqlite(text.replace(output[0], ""))} RETURNING actor`;
  return { kind: "run", text: run, into: `variable_${output[1]}` };
}

/** Columns of a table variable keep their bounds and lose their types. */
function columnsOf(columns: string): string {
  return columns
    .replaceAll(/ (?:binary|varbinary|varchar|nvarchar|bigint)(?:\(\w+\))?/g, "")
    .replaceAll(/ COLLATE \w+/g, "");
}

function inSqlite(tsql: string): string {
  let text = tsql;
  for (const [word, ours] of WORDS) text = text.replaceAll(word, ours);
  return joinedUpdate(aliasedDelete(namedValues(text)));
}

/** `(VALUES …) v (a, b)`: SQLite names the columns of VALUES itself. */
function namedValues(text: string): string {
  const start = text.indexOf("(VALUES ");
  if (start < 0) return text;
  let depth = 0;
  let end = start;
  do {
    if (text[end] === "(") depth += 1;
    if (text[end] === ")") depth -= 1;
    end += 1;
  } while (depth > 0);
  const names = /^ v \(([^)]*)\)/.exec(text.slice(end));
  if (names === null) throw new Error("VALUES without names");
  const columns = (names[1] ?? "")
    .split(", ")
    .map((name, index) => `column${index + 1} AS ${name}`);
  const before = `${text.slice(0, start)}(SELECT ${columns.join(", ")} FROM ${text.slice(start, end)}) v`;
  return before + namedValues(text.slice(end + names[0].length));
}

/** `DELETE o FROM table o` */
function aliasedDelete(text: string): string {
  return text.replace(/^DELETE (\w+) FROM (\w+) \1\b/, "DELETE FROM $2 AS $1");
}

/** `UPDATE a SET … FROM rows JOIN table a ON condition [WHERE …]`: SQLite joins by WHERE. */
function joinedUpdate(text: string): string {
  const parts =
    /^UPDATE (\w+) SET (.*?)\s+FROM (.*) JOIN (\w+) \1 ON (.*?)(?:\s+WHERE (.*))?$/s.exec(text);
  if (parts === null) return text;
  const [, alias, set, rows, table, on, where = "TRUE"] = parts;
  return `UPDATE ${table} AS ${alias} SET ${set} FROM ${rows} WHERE (${on}) AND (${where})`;
}
