import type { ActorId } from "../../contract/index.ts";

/**
 * What can be wrong in a store. `unreadable`: a row that cannot be read. `orphan`: a row whose actor
 * has none. `sealed`: bytes that do not open. `gap`: revisions missing in a history. `ahead`: a row
 * of a revision that its actor has not reached. `duplicate`: a row that is there twice.
 */
export type ProblemKind = "unreadable" | "orphan" | "sealed" | "gap" | "ahead" | "duplicate";

/** One thing that is wrong. */
export interface StoreProblem {
  readonly problem: ProblemKind;
  /** Kind of the row, or the table of one that cannot be read. */
  readonly kind: string;
  readonly actor: ActorId | undefined;
  /** Which row: a revision, a name, a place in the database. */
  readonly where: string;
  /** Upper-case word, or "". */
  readonly reason: string;
}
