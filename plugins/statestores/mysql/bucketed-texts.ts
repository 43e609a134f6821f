import { prepared } from "../kit/sql/dialect.ts";
import type { SqlStatement, SqlValue } from "../kit/sql/sql-client.ts";

/** A statement with its parameters. */
export interface BoundStatement {
  readonly statement: SqlStatement;
  readonly values: readonly SqlValue[];
}

/** Statements whose text depends on a number of rows: one for each power of two that is used. */
export class BucketedTexts {
  readonly #text: (bucket: number) => string;
  readonly #statements = new Map<number, SqlStatement>();

  constructor(text: (bucket: number) => string) {
    this.#text = text;
  }

  /** The statement for exactly `bucket` rows, a power of two. */
  of(bucket: number): SqlStatement {
    let statement = this.#statements.get(bucket);
    if (statement === undefined) {
      statement = prepared(this.#text(bucket));
      this.#statements.set(bucket, statement);
    }
    return statement;
  }

  bind(bucket: number, values: readonly SqlValue[]): BoundStatement {
    return { statement: this.of(bucket), values };
  }
}
