import type { SqlValue } from "../kit/sql/sql-client.ts";

/** A statement as the server takes it: `?` for each parameter, by order of occurrence. */
export class ServerText {
  readonly text: string;
  /** False if running it may change something. */
  readonly onlyReads: boolean;
  /** For each `?` the index of its value; `undefined` if they are the values as they come. */
  readonly #order: readonly number[] | undefined;

  constructor(text: string) {
    const order: number[] = [];
    this.text = text.replaceAll(/\$(\d+)/g, (_, number: string) => {
      order.push(Number(number) - 1);
      return "?";
    });
    this.onlyReads = /^\s*(?:SELECT|SHOW|WITH)\b/.test(text) && !/\bFOR UPDATE\b/.test(text);
    this.#order = order.every((value, index) => value === index) ? undefined : order;
  }

  /** The values for each `?`; a value that the text names twice comes twice. */
  arrange(values: readonly SqlValue[]): readonly SqlValue[] {
    return this.#order?.map((index) => values[index] ?? null) ?? values;
  }
}

const MAX_TEXTS = 2_000;

/** Rewrites `$1 … $n` once for each text. Keeps a bounded number of texts. */
export class StatementTexts {
  readonly #known = new Map<string, ServerText>();

  of(text: string): ServerText {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    // Texts come from constants, so this many are a mistake that must not cost memory as well.
    if (this.#known.size >= MAX_TEXTS) this.#known.clear();
    const made = new ServerText(text);
    this.#known.set(text, made);
    return made;
  }
}
