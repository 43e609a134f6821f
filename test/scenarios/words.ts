/** The words of a command: `verb plain plain name=value`. */
export class Words {
  readonly verb: string;
  readonly plain: readonly string[];
  readonly #named = new Map<string, string>();

  constructor(command: string) {
    const [verb = "", ...rest] = command.trim().split(/\s+/);
    this.verb = verb;
    this.plain = rest.filter((word) => !word.includes("="));
    for (const word of rest) {
      const at = word.indexOf("=");
      if (at > 0) this.#named.set(word.slice(0, at), word.slice(at + 1));
    }
  }

  get named(): ReadonlyMap<string, string> {
    return this.#named;
  }

  text(name: string): string | undefined {
    return this.#named.get(name);
  }

  number(name: string, otherwise: number): number {
    const text = this.#named.get(name);
    return text === undefined ? otherwise : Number(text);
  }

  list(name: string): readonly string[] {
    const text = this.#named.get(name) ?? "";
    return text === "" ? [] : text.split(",");
  }

  has(word: string): boolean {
    return this.plain.includes(word);
  }
}
