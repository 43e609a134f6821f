const SECRET =
  /(?:^|[_.-])(?:token|secret|password|passwd|pwd|authorization|cookie|credentials?|api[_-]?key|private[_-]?key|state[_-]?keys?)s?$/i;
const CAMEL = /([a-z0-9])([A-Z])/g;
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*):[^\s/?#@]*@/gi;
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/g;
const MASK = "[redacted]";
const DEPTH = 4;
const ENTRIES = 50;
const TEXT_CHARS = 4_096;

/**
 * Fields of a log line as they may be written: values of names that sound secret, passwords within
 * URLs and bearer tokens are masked, long texts and deep or long values are cut. `fields` stays as
 * it is.
 */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactObject(fields, DEPTH);
}

function redactObject(object: object, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  let left = ENTRIES;
  for (const [name, value] of Object.entries(object)) {
    left -= 1;
    if (left < 0) break;
    out[name] = SECRET.test(name.replace(CAMEL, "$1_$2")) ? MASK : redactValue(value, depth);
  }
  return out;
}

function redactValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return redactText(value);
    case "bigint":
      return value.toString();
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : redactNested(value, depth);
    default:
      return value;
  }
}

function redactNested(value: object, depth: number): unknown {
  if (value instanceof Error) return redactError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (depth <= 0) return "[deep]";
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES).map((item) => redactValue(item, depth - 1));
  }
  return redactObject(value, depth - 1);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const code = "code" in error ? { code: redactValue(error.code, 1) } : {};
  const cause =
    error.cause === undefined || depth <= 0 ? {} : { cause: redactValue(error.cause, depth - 1) };
  const stack = error.stack === undefined ? {} : { stack: redactText(error.stack) };
  return { name: error.name, message: redactText(error.message), ...code, ...stack, ...cause };
}

function redactText(text: string): string {
  const short = text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text;
  if (!short.includes("://") && !short.includes("Bearer") && !short.includes("Basic")) return short;
  return short.replace(URL_PASSWORD, `$1:${MASK}@`).replace(BEARER, `$1 ${MASK}`);
}
