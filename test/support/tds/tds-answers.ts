import type { SqlError } from "../../../plugins/statestores/kit/sql/sql-client.ts";
import type { TdsAnswer, TdsHandler } from "./tds-handler.ts";

/** The answer without rows. */
export const nothing: TdsAnswer = { kind: "results", results: [] };

/** An error of this number, which may end the transaction. */
export function say(number: number, rolledBack = false): TdsAnswer {
  return { kind: "error", number, message: `message ${number}`, rolledBack };
}

/** Answers statements by their text, and everything else with nothing. */
export function byText(answers: Readonly<Record<string, TdsAnswer>>): TdsHandler {
  return (request) => (request.kind === "statement" ? (answers[request.text] ?? nothing) : nothing);
}

/** What the driver said of a failure; rejects if there was none. */
export async function failureOf(promise: Promise<unknown>): Promise<SqlError> {
  const settled = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (settled === undefined) throw new Error("it was not rejected");
  return settled as SqlError;
}
