import { parsePolicyDocument, type PolicyDocument } from "./policy-document.ts";
import type { PolicyProblem } from "./policy-problem.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { PolicyFile } from "./policy-source.ts";
import { parseSpawnPolicy } from "./spawn-policy.ts";

/** Most policies of all files together. */
const MAX_POLICIES = 10_000;

/** The rules of all files, or everything that is wrong with them. */
export type LoadedPolicies =
  | { readonly kind: "ok"; readonly rules: readonly PolicyRule[] }
  | { readonly kind: "refused"; readonly problems: readonly PolicyProblem[] };

/** Reads files that are already in memory; a single problem refuses them all. */
export function loadPolicies(files: readonly PolicyFile[]): LoadedPolicies {
  const documents = files.map(parseFile);
  const problems = [
    ...documents.flatMap((document) => document.problems),
    ...duplicateNames(documents),
    ...unknownRoles(documents),
  ];
  const rules = documents.flatMap((document) => document.rules.map((placed) => placed.rule));
  if (rules.length > MAX_POLICIES) {
    problems.push({
      file: files.map((file) => file.path).join(", "),
      line: 0,
      column: 0,
      reason: "too_many",
      message: `there are more than ${MAX_POLICIES} policies`,
    });
  }
  return problems.length > 0 ? { kind: "refused", problems } : { kind: "ok", rules };
}

function parseFile(file: PolicyFile): PolicyDocument {
  const isSpawn = file.path.toLowerCase().endsWith(".policy");
  return isSpawn ? parseSpawnPolicy(file) : parsePolicyDocument(file);
}

function duplicateNames(documents: readonly PolicyDocument[]): PolicyProblem[] {
  const first = new Map<string, string>();
  return documents.flatMap(({ rules }) =>
    rules.flatMap(({ rule, file, line, column }): PolicyProblem[] => {
      const other = first.get(rule.name);
      if (other === undefined) first.set(rule.name, `${file}:${line}`);
      const message = `policy ${rule.name} is already in ${other}`;
      return other === undefined ? [] : [{ file, line, column, reason: "duplicate", message }];
    }),
  );
}

/** A role that no file declares is more likely a typing error than a role. */
function unknownRoles(documents: readonly PolicyDocument[]): PolicyProblem[] {
  const declared = new Set(documents.flatMap((document) => document.roles));
  return documents.flatMap(({ rules }) =>
    rules.flatMap(({ rule, file, line, column }) =>
      rule.callers.flatMap((caller): PolicyProblem[] => {
        if (caller.kind !== "role" || caller.role.text.includes("*")) return [];
        if (declared.has(caller.role.text)) return [];
        const message = `role ${caller.role.text} is not declared under roles`;
        return [{ file, line, column, reason: "unknown_role", message }];
      }),
    ),
  );
}
