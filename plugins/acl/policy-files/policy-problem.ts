/** The machine word for what is wrong with a policy file. */
export type PolicyReason =
  | "policy_missing"
  | "policy_unreadable"
  | "extension"
  | "too_large"
  | "too_many"
  | "symlink"
  | "encoding"
  | "syntax"
  | "alias"
  | "type"
  | "unknown_key"
  | "missing"
  | "enum"
  | "conflict"
  | "duplicate"
  | "empty_list"
  | "empty_item"
  | "too_long"
  | "charset"
  | "not_nfc"
  | "glob"
  | "target"
  | "unknown_principal"
  | "unknown_role"
  | "spiffe"
  | "include_path";

/** One thing wrong, and where: `line` and `column` count from 1, 0 if the place has none. */
export interface PolicyProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly reason: PolicyReason;
  readonly message: string;
}

/** How many problems one message lists. */
const LISTED = 10;

/** One line that names the places and reasons. */
export function describeProblems(problems: readonly PolicyProblem[]): string {
  const lines = problems.slice(0, LISTED).map((problem) => {
    const place = problem.line === 0 ? "" : `:${problem.line}:${problem.column}`;
    return `${problem.file}${place}: ${problem.message} (${problem.reason})`;
  });
  const more = problems.length - lines.length;
  return more > 0 ? `${lines.join("; ")}; and ${more} more` : lines.join("; ");
}
