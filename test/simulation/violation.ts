/** Which checker found what. */
export interface Violation {
  readonly checker: CheckerName;
  readonly message: string;
}

export type CheckerName =
  | "determinism"
  | "commit-log"
  | "replies"
  | "counter"
  | "linearizability"
  | "serial-turns"
  | "liveness"
  | "nothing-left";
