/** One step into a JSON value: a member by name or an element by number. */
export type JsonStep = string | number;

// `.name`, `['name']`, `["name"]` or `[0]`.
const STEP = /^(?:\.([A-Za-z_$][\w$-]*)|\[(?:'([^']*)'|"([^"]*)"|(\d{1,9}))\])/;

/** Reads a path such as `$.order.items[0]['unit price']`; `undefined` if it is not one. */
export function parseJsonPath(text: string): readonly JsonStep[] | undefined {
  if (!text.startsWith("$")) return undefined;
  const steps: JsonStep[] = [];
  let at = 1;
  while (at < text.length) {
    const found = STEP.exec(text.slice(at));
    if (found === null) return undefined;
    const [whole, plain, single, double, index] = found;
    steps.push(index === undefined ? (plain ?? single ?? double ?? "") : Number(index));
    at += whole.length;
  }
  return steps;
}

/** What lies at the end of the path, own members only; `undefined` if nothing does. */
export function followJsonPath(root: unknown, steps: readonly JsonStep[]): unknown {
  let value = root;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
      return undefined;
    if (Array.isArray(value) !== (typeof step === "number")) return undefined;
    value = (value as Readonly<Record<JsonStep, unknown>>)[step];
  }
  return value;
}
