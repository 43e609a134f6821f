/** What a run did wrong, and which checker saw it. */
export interface Violation {
  readonly checker: CheckerName;
  readonly message: string;
}

/**
 * `issued` a view holds what its subject never said (C1); `removal` a member that was well is dead to
 * others (C2); `bounds` packets or tables grow beyond their bounds (C3); `packet` a datagram is larger
 * than allowed (C4); `story` events of a subject in an impossible order (C5); `digest` views differ at
 * the end (C6); `detection` a death was not seen, or not in time; `determinism` two runs of one seed
 * differ.
 */
export type CheckerName =
  | "issued"
  | "removal"
  | "bounds"
  | "packet"
  | "story"
  | "digest"
  | "detection"
  | "determinism";
