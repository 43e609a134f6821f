import { Database, type SQLQueryBindings, SQLiteError } from "bun:sqlite";
import type { TdsAnswer, TdsClient, TdsHandler, TdsResult } from "./tds-handler.ts";
import type { TdsRequest, TdsValue } from "./tds-requests.ts";
import type { TdsColumn, TdsColumnType } from "./tds-tokens.ts";
import { TsqlCatalog, TsqlFailure } from "./tsql-catalog.ts";
import { type TsqlStep, tsqlSteps } from "./tsql-text.ts";

/** What a database says of itself, in the columns of the statestore's question. */
export interface TsqlFacts {
  readonly version: string;
  readonly engineEdition: number;
  readonly delayedDurability: string;
  readonly isReadOnly: boolean;
  readonly skewMs: number;
}

const FACTS: TsqlFacts = {
  version: "16.0.4000.1",
  engineEdition: 3,
  delayedDurability: "DISABLED",
  isReadOnly: false,
  skewMs: 0,
};

type Bindings = Record<string, string | bigint | Uint8Array | null>;
/** What is left of a batch when its transactions and table variables are seen to. */
type PlainStep = Extract<TsqlStep, { readonly kind: "value" | "lock" | "run" | "other" }>;

/**
 * A database that runs the statestore's own T-SQL over SQLite in memory. One client at a time has it,
 * until its batch or transaction ends: it shows what statements do, not how they meet. Errors roll
 * the transaction back, as XACT_ABORT has it.
 */
export class TsqlDatabase {
  facts = FACTS;
  /** Told of every statement before it runs; may answer in its place. */
  intercept: (request: TdsRequest, client: TdsClient) => TdsAnswer | undefined = () => undefined;
  /** Told of every statement after it ran; may answer in its place. */
  interceptAnswer: (request: TdsRequest, answer: TdsAnswer) => TdsAnswer = (_request, answer) =>
    answer;
  readonly #db = new Database(":memory:", { strict: true, safeIntegers: true });
  readonly #catalog = new TsqlCatalog(this.#db);
  readonly #steps = new Map<string, readonly TsqlStep[]>();
  /** The number of the client whose transaction is open. */
  #holder: number | undefined;
  #waiting: (() => void)[] = [];

  /** Answers the requests of clients of this database. */
  readonly handler: TdsHandler = async (request, client, stopped) => {
    const early = this.intercept(request, client);
    if (early !== undefined) return early;
    while (this.#holder !== undefined && this.#holder !== client.number) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (stopped.aborted) return { kind: "silence" };
    return this.interceptAnswer(request, this.#answer(request, client));
  };

  /** Undoes what a client had under way that is gone. */
  readonly gone = (client: TdsClient): void => {
    if (this.#holder === client.number) this.#end("ROLLBACK");
  };

  /** Runs SQLite's own SQL, for tests that damage rows. */
  run(text: string, ...values: SQLQueryBindings[]): void {
    this.#db.run(text, values);
  }

  /** Makes, changes or drops a table or an index as the statestore does. */
  define(text: string): void {
    this.#catalog.define(text);
  }

  /** Rows of SQLite's own SQL, for tests that look at what was written. */
  rows(text: string): readonly unknown[][] {
    return this.#db.prepare(text).values();
  }

  #answer(request: TdsRequest, client: TdsClient): TdsAnswer {
    try {
      if (request.kind === "batch") return this.#batch(request.text, [], client);
      if (request.kind === "statement") return this.#batch(request.text, request.values, client);
      if (request.kind === "begin") this.#begin(client);
      else this.#end(request.kind === "commit" ? "COMMIT" : "ROLLBACK");
      return { kind: "results", results: [] };
    } catch (error) {
      const { number, message } = failureOf(error);
      const rolledBack = this.#holder === client.number;
      if (rolledBack) this.#end("ROLLBACK");
      return { kind: "error", number, message, rolledBack };
    }
  }

  #begin(client: TdsClient): void {
    this.#db.run("BEGIN");
    this.#holder = client.number;
  }

  #end(how: "COMMIT" | "ROLLBACK"): void {
    this.#db.run(how);
    this.#holder = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #batch(text: string, values: readonly TdsValue[], client: TdsClient): TdsAnswer {
    const bindings: Bindings = {};
    for (const [index, value] of values.entries()) bindings[`@p${index + 1}`] = value;
    const results: TdsResult[] = [];
    const transaction: ("begin" | "commit")[] = [];
    for (const step of this.#stepsOf(text)) {
      if (step.kind === "begin") {
        this.#begin(client);
        transaction.push("begin");
      } else if (step.kind === "commit") {
        this.#end("COMMIT");
        transaction.push("commit");
      } else if (step.kind === "table") {
        // What an earlier batch declared is gone, also if it failed.
        this.#db.run(`DROP TABLE IF EXISTS temp.${step.name}`);
        this.#db.run(`CREATE TEMP TABLE ${step.name} (${step.columns})`);
      } else results.push(...this.#perform(step, bindings));
    }
    return { kind: "results", results, transaction };
  }

  #perform(step: PlainStep, bindings: Bindings): readonly TdsResult[] {
    if (step.kind === "value") {
      bindings[step.name] = this.#select(step.query, {}).rows[0]?.[0] ?? null;
      return [];
    }
    if (step.kind === "lock") {
      bindings[step.name] = 0n;
      return [];
    }
    if (step.kind === "other") return this.#other(step.text);
    const used = bindingsOf(step.text, bindings);
    if (/^\s*(?:SELECT|WITH)\b/.test(step.text)) return [this.#select(step.text, used)];
    if (step.into === undefined) {
      const { changes } = this.#db.prepare(step.text).run(used);
      return [{ columns: [], rows: [], count: changes }];
    }
    const taken = this.#db.prepare<unknown, Bindings>(step.text).values(used);
    const insert = this.#db.prepare(`INSERT INTO ${step.into} VALUES (?)`);
    for (const [actor] of taken) insert.run(actor as Uint8Array);
    return [{ columns: [], rows: [], count: taken.length }];
  }

  #other(text: string): readonly TdsResult[] {
    if (/FROM sys\.tables/.test(text)) return [this.#catalog.query(text)];
    if (!/SERVERPROPERTY/.test(text)) {
      this.#catalog.define(text);
      return [];
    }
    const { version, engineEdition, delayedDurability, isReadOnly, skewMs } = this.facts;
    const nowMs = BigInt(Date.now() + skewMs);
    const edition = "stand-in on SQLite";
    return [
      resultOf([
        [version, edition, BigInt(engineEdition), delayedDurability, isReadOnly ? 1n : 0n, nowMs],
      ]),
    ];
  }

  #select(text: string, bindings: Bindings): TdsResult {
    return resultOf(this.#db.prepare<unknown, Bindings>(text).values(bindings) as TdsValue[][]);
  }

  #stepsOf(text: string): readonly TsqlStep[] {
    let steps = this.#steps.get(text);
    if (steps === undefined) {
      steps = tsqlSteps(text);
      this.#steps.set(text, steps);
    }
    return steps;
  }
}

/** SQLite takes no value that a statement does not name. */
function bindingsOf(text: string, bindings: Bindings): Bindings {
  const named = new Set(text.match(/@\w+/g) ?? []);
  return Object.fromEntries(Object.entries(bindings).filter(([name]) => named.has(name)));
}

/** Columns of the types that their values have. */
function resultOf(rows: readonly (readonly TdsValue[])[]): TdsResult {
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, index): TdsColumn => {
    const example = rows.map((row) => row[index] ?? null).find((value) => value !== null);
    return { name: `column${index + 1}`, type: typeOf(example ?? null) };
  });
  return { columns, rows };
}

function typeOf(value: TdsValue): TdsColumnType {
  if (typeof value === "bigint") return "bigint";
  return typeof value === "string" ? "nvarchar(max)" : "varbinary(max)";
}

/** The number that SQL Server gives to what SQLite refuses. */
function failureOf(error: unknown): { readonly number: number; readonly message: string } {
  if (error instanceof TsqlFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof SQLiteError)) return { number: 50_000, message };
  if (/UNIQUE constraint/.test(message)) return { number: 2_627, message };
  if (/NOT NULL constraint/.test(message)) return { number: 515, message };
  if (/CHECK constraint/.test(message)) return { number: 2_628, message };
  if (/cannot store/.test(message)) return { number: 257, message };
  if (/no such table/.test(message)) return { number: 208, message };
  if (/no such column/.test(message)) return { number: 207, message };
  return { number: 102, message };
}
