import { CommandError } from "../cli/command-error.ts";
import { fileProblem } from "../store-file/file-problem.ts";
import { startFailure } from "./failure.ts";

/** Runs work on a store or a file; what fails there becomes the `CommandError` that says it. */
export async function attempt<T>(work: () => Promise<T>, path = "-"): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = fileProblem(error, path);
    if (problem instanceof CommandError) throw problem;
    const { exit, reason, hint, event } = startFailure(problem);
    const message = reason === "bug" ? `bug: ${hint}` : hint;
    throw new CommandError(message, exit, "", { event, reason });
  }
}
