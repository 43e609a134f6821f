/** What must happen now and then, or the runs prove nothing. */
export const SOMETIMES = [
  "commit fenced",
  "commit conflict",
  "late write refused",
  "late write applied",
  "repeated write refused",
  "unknown resolved as applied",
  "unknown resolved as not applied",
  "unknown stayed unknown",
  "reply replayed",
  "reply replayed after failover",
  "id conflict refused",
  "read refused by its fence",
  "session fenced",
  "taken over",
  "turned away to the owner",
  "state unreadable",
  "store failed over",
  "store regressed",
  "other store called",
  "calls chained",
  "mailbox full",
  "host lost",
  "host late",
  "host answer refused",
  "turn failed",
  "deadline passed",
  "call taken back",
  "node paused",
  "node crashed",
  "node rolled",
  "store away",
  "node cut off",
  "passivated",
  "actor shredded",
  "shredded actor lives again",
  "shredded reply refused",
] as const;

export type Mark = (typeof SOMETIMES)[number];

/** Counts what happened. */
export class Marks {
  readonly #counts = new Map<Mark, number>();

  hit(mark: Mark): void {
    this.#counts.set(mark, this.count(mark) + 1);
  }

  count(mark: Mark): number {
    return this.#counts.get(mark) ?? 0;
  }

  add(other: Marks): void {
    for (const [mark, count] of other.#counts) this.#counts.set(mark, this.count(mark) + count);
  }

  /** What never happened. */
  get missing(): readonly Mark[] {
    return SOMETIMES.filter((mark) => this.count(mark) === 0);
  }
}
