/** Why a module could not be imported, as configuration reports it. */
export interface ImportFailure {
  readonly reason: "syntax" | "import_threw";
  readonly detail: string;
}

interface BuildPosition {
  readonly line: number;
  readonly column: number;
}

function buildPosition(error: unknown): BuildPosition | undefined {
  if (typeof error !== "object" || error === null || !("position" in error)) return undefined;
  const { position } = error;
  return typeof position === "object" && position !== null
    ? (position as BuildPosition)
    : undefined;
}

function messageOf(error: unknown): string {
  try {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0] || "nothing";
  } catch {
    return "something that cannot be shown";
  }
}

/** Tells a mistake in the text from a throw of the module, and a missing package from both. */
export function describeImportFailure(thrown: unknown): ImportFailure {
  // Several mistakes come as one error with a list.
  const list = thrown instanceof AggregateError ? thrown.errors : [];
  const error: unknown = list[0] ?? thrown;
  const message = messageOf(error);
  const name = typeof error === "object" && error !== null && "name" in error ? error.name : "";
  if (name === "BuildMessage" || error instanceof SyntaxError) {
    const position = buildPosition(error);
    const place = position === undefined ? "" : ` at ${position.line}:${position.column}`;
    return { reason: "syntax", detail: `has a syntax error${place}: ${message}` };
  }
  return { reason: "import_threw", detail: `threw when it was imported: ${message}` };
}
