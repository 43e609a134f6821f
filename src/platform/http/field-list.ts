/**
 * The fields of one request in their order. A head has a handful of fields and few are asked for:
 * comparing names costs less than hashing all of them.
 */
export class FieldList implements Iterable<readonly [string, string]> {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** `name` in lower case. */
  get(name: string): string | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#values[at];
  }

  /** Adds a field; one that is there already gets the value appended after `separator`. */
  add(name: string, value: string, separator: string): void {
    const at = this.#names.indexOf(name);
    if (at < 0) {
      this.#names.push(name);
      this.#values.push(value);
    } else {
      this.#values[at] = `${this.#values[at] ?? ""}${separator}${value}`;
    }
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (let i = 0; i < this.#names.length; i++) {
      yield [this.#names[i] ?? "", this.#values[i] ?? ""];
    }
  }
}
