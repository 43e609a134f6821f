import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { PolicyProblem, PolicyReason } from "./policy-problem.ts";

/** Largest policy file, and most of them. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 1_000;

const EXTENSIONS: readonly string[] = [".yaml", ".yml", ".json", ".policy"];

/** A policy file, read whole. */
export interface PolicyFile {
  readonly path: string;
  readonly text: string;
}

/** What was found under the configured paths. */
export interface PolicySources {
  readonly files: readonly PolicyFile[];
  readonly problems: readonly PolicyProblem[];
}

/** Reads every policy file of these files and folders, in the order given and then by name. */
export async function readPolicySources(paths: readonly string[]): Promise<PolicySources> {
  const files: PolicyFile[] = [];
  const problems: PolicyProblem[] = [];
  for (const path of await listFiles(paths, problems)) {
    const text = await readPolicyFile(path, problems);
    if (text !== undefined) files.push({ path, text });
  }
  if (files.length === 0 && problems.length === 0) {
    problems.push(problem(paths.join(", "), "policy_missing", "no policy file is there"));
  }
  return { files, problems };
}

/** A text that differs when any of these files is added, removed or written. */
export async function fingerprintPolicies(paths: readonly string[]): Promise<string> {
  const problems: PolicyProblem[] = [];
  const parts: string[] = [];
  for (const path of await listFiles(paths, problems)) {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    parts.push(`${path} ${found?.ino} ${found?.size} ${found?.mtimeNs} ${found?.ctimeNs}`);
  }
  return [...parts, ...problems.map((each) => `${each.file} ${each.reason}`)].join("\n");
}

async function listFiles(paths: readonly string[], problems: PolicyProblem[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    try {
      if (!(await stat(path)).isDirectory()) {
        found.push(path);
        continue;
      }
      const names = (await readdir(path)).sort();
      // Names with a dot in front are how mounted volumes and editors keep their own things.
      found.push(...names.filter((name) => !name.startsWith(".")).map((name) => join(path, name)));
    } catch (error) {
      problems.push(fileProblem(path, error));
    }
  }
  if (found.length <= MAX_FILES) return found;
  problems.push(problem(paths.join(", "), "too_many", `there are more than ${MAX_FILES} files`));
  return [];
}

async function readPolicyFile(
  path: string,
  problems: PolicyProblem[],
): Promise<string | undefined> {
  if (!EXTENSIONS.includes(extname(path).toLowerCase())) {
    const known = EXTENSIONS.join(", ");
    problems.push(problem(path, "extension", `the file name does not end in one of ${known}`));
    return undefined;
  }
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      problems.push(problem(path, "too_large", `the file has more than ${MAX_FILE_BYTES} bytes`));
      return undefined;
    }
    return decode(path, await readFile(path), problems);
  } catch (error) {
    problems.push(fileProblem(path, error));
    return undefined;
  }
}

/** UTF-8 with or without its mark; anything else is refused rather than guessed. */
function decode(path: string, bytes: Uint8Array, problems: PolicyProblem[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    problems.push(problem(path, "encoding", "the file is not UTF-8"));
    return undefined;
  }
}

function fileProblem(path: string, error: unknown): PolicyProblem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return problem(path, "policy_missing", "the file or folder is missing");
  if (code === "ELOOP") return problem(path, "symlink", "symbolic links lead in a circle");
  return problem(path, "policy_unreadable", `the file cannot be read: ${code}`);
}

function problem(file: string, reason: PolicyReason, message: string): PolicyProblem {
  return { file, line: 0, column: 0, reason, message };
}
