import { EXIT } from "./exit-code.ts";

/** A command that could not be done; the program prints it in one place and exits with its code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exit: number;
  /** What to do, or "". */
  readonly hint: string;
  /** What `--json` adds: code, outcome, reason of a failed call. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    exit: number,
    hint = "",
    fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.exit = exit;
    this.hint = hint;
    this.fields = fields;
  }
}

/** A command line that cannot be understood. */
export function usageError(message: string, hint = ""): CommandError {
  return new CommandError(message, EXIT.usage, hint);
}
