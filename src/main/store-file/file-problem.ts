import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { printable } from "../cli/table.ts";
import { StoreFileError } from "./store-file-error.ts";

const ADVICE: Readonly<Record<string, readonly [what: string, exit: number]>> = {
  EACCES: ["may not be opened by this user", EXIT.permission],
  EPERM: ["may not be opened by this user", EXIT.permission],
  EEXIST: ["exists already", EXIT.cannotCreate],
  ENOENT: ["does not exist", EXIT.usage],
  ENOTDIR: ["lies in no folder", EXIT.cannotCreate],
  EISDIR: ["is a folder", EXIT.cannotCreate],
  ENOSPC: ["cannot be written: there is no space left", EXIT.io],
};

/** What an error of a file says to whoever named it; other errors are answered as they are. */
export function fileProblem(error: unknown, path: string): unknown {
  const name = path === "-" ? "standard input" : printable(path);
  if (error instanceof StoreFileError) {
    return new CommandError(`${name}: ${error.message}`, EXIT.damaged, "", {
      record: error.record,
      offset: error.offset,
    });
  }
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const code = String(error.code);
  const [what, exit] = ADVICE[code] ?? [`cannot be read or written (${code})`, EXIT.io];
  return new CommandError(`${name} ${what}`, exit);
}
