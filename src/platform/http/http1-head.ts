import { FieldList } from "./field-list.ts";

/** How the body of a request is delimited (RFC 9112, section 6.3). */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" };

/** A request line and its fields, accepted. */
export interface RequestHead {
  readonly kind: "head";
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Lower-case names; a repeated field is joined by ", ". */
  readonly fields: FieldList;
  readonly framing: BodyFraming;
  /** The client allows another request on this connection. */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  readonly webSocket: boolean;
}

/** A head that must not be served: the connection is answered with `status` and closed. */
export interface HeadRefusal {
  readonly kind: "refusal";
  readonly status: 400 | 413 | 417 | 431 | 501 | 505;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/([0-9]\.[0-9])$/;
const TOKEN_CHARACTERS =
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** One for each Latin-1 character that a token may have (RFC 9110, section 5.6.2). */
const IS_TOKEN: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, code) =>
  TOKEN_CHARACTERS.includes(String.fromCharCode(code)) ? 1 : 0,
);
const TAB = 9;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const COLON = 58;
const UPPER_A = 65;
const UPPER_Z = 90;
const DELETE = 127;
const HOST = /^[!$&'()*+,;=\-._~%0-9A-Za-z[\]:]*$/;
const DIGITS = /^[0-9]+$/;
/** Larger than any message that may be configured, in whatever encoding it comes. */
const MOST_LENGTH_BYTES = 256 * 1024 * 1024;
/** Fields whose repetition could make two parsers see two requests. */
const NEVER_REPEATED: readonly string[] = ["host", "content-length", "transfer-encoding"];
const NO_BODY: BodyFraming = { kind: "none" };
const CHUNKED: BodyFraming = { kind: "chunked" };

function refusal(status: HeadRefusal["status"]): HeadRefusal {
  return { kind: "refusal", status };
}

/** Where the token that begins at `from` ends. */
function tokenEnd(text: string, from: number): number {
  let at = from;
  while (IS_TOKEN[text.charCodeAt(at)] === 1) at++;
  return at;
}

/** Most clients send lower-case names already, and `toLowerCase` costs more than to look. */
function lowerCase(text: string, from: number, to: number): string {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code >= UPPER_A && code <= UPPER_Z) return text.slice(from, to).toLowerCase();
  }
  return text.slice(from, to);
}

/** Where the CRLF is that ends a value, or -1 if a character that no value may have comes first. */
function valueEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CARRIAGE_RETURN) return text.charCodeAt(at + 1) === 10 ? at : -1;
    if ((code < SPACE && code !== TAB) || code === DELETE) return -1;
  }
  return -1;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Field lines, each ended by CRLF, from `start` to the end of `text`. */
function parseFields(text: string, start: number, maxCount: number): FieldList | HeadRefusal {
  const fields = new FieldList();
  let count = 0;
  let at = start;
  while (at < text.length) {
    if (++count > maxCount) return refusal(431);
    const colon = tokenEnd(text, at);
    // A space before the colon and a folded line both fail here: neither is a token.
    if (colon === at || text.charCodeAt(colon) !== COLON) return refusal(400);
    const lineEnd = valueEnd(text, colon + 1);
    if (lineEnd < 0) return refusal(400);
    const name = lowerCase(text, at, colon);
    const value = trimmed(text, colon + 1, lineEnd);
    if (NEVER_REPEATED.includes(name) && fields.get(name) !== undefined) return refusal(400);
    fields.add(name, value, name === "cookie" ? "; " : ", ");
    at = lineEnd + 2;
  }
  return fields;
}

function framingOf(fields: FieldList, minor: 0 | 1): BodyFraming | HeadRefusal {
  const encoding = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (encoding !== undefined) {
    // Both fields, an unknown coding, or a coding in HTTP/1.0 are how requests are smuggled.
    if (length !== undefined || minor === 0) return refusal(400);
    return encoding.toLowerCase() === "chunked" ? CHUNKED : refusal(400);
  }
  if (length === undefined) return NO_BODY;
  if (!DIGITS.test(length)) return refusal(400);
  const bytes = Number(length);
  if (bytes > MOST_LENGTH_BYTES) return refusal(413);
  return bytes === 0 ? NO_BODY : { kind: "length", bytes };
}

function listHas(field: string | undefined, token: string): boolean {
  if (field === undefined) return false;
  const lower = field.toLowerCase();
  return lower === token || lower.split(",").some((part) => part.trim() === token);
}

function hostIsFit(host: string | undefined, minor: 0 | 1): boolean {
  return host === undefined ? minor === 0 : HOST.test(host);
}

/** RFC 6455, section 4.2.1; the rest of the handshake is checked by whoever answers it. */
function asksForWebSocket(method: string, fields: FieldList): boolean {
  return (
    method === "GET" &&
    listHas(fields.get("upgrade"), "websocket") &&
    listHas(fields.get("connection"), "upgrade")
  );
}

function expectationIsKnown(expect: string | undefined): boolean {
  return expect === undefined || expect.toLowerCase() === "100-continue";
}

/** `undefined` if the line is broken; otherwise its parts, whatever the version. */
function parseRequestLine(
  line: string,
): { method: string; target: string; version: string } | undefined {
  const parts = REQUEST_LINE.exec(line);
  if (parts === null) return undefined;
  const [, method = "", target = "", version = ""] = parts;
  return { method, target, version };
}

/**
 * Parses one head, strictly (RFC 9112): no bare LF, no folding, no two lengths, one Host.
 *
 * `text` is the head in Latin-1 up to and including the CRLF of its last field line.
 */
export function parseHead(text: string, maxFieldCount: number): RequestHead | HeadRefusal {
  const lineEnd = text.indexOf("\r\n");
  const line = parseRequestLine(text.slice(0, lineEnd));
  if (line === undefined) return refusal(400);
  const { method, target, version } = line;
  if (version !== "1.1" && version !== "1.0") return refusal(505);
  const minorVersion = version === "1.1" ? 1 : 0;
  const fields = parseFields(text, lineEnd + 2, maxFieldCount);
  if ("kind" in fields) return fields;
  if (!hostIsFit(fields.get("host"), minorVersion)) return refusal(400);
  const framing = framingOf(fields, minorVersion);
  if (framing.kind === "refusal") return framing;
  if (!expectationIsKnown(fields.get("expect"))) return refusal(417);
  const recent = minorVersion === 1;
  return {
    kind: "head",
    method,
    target,
    minorVersion,
    fields,
    framing,
    keepAlive: recent && !listHas(fields.get("connection"), "close"),
    expectsContinue: recent && fields.get("expect") !== undefined,
    webSocket: recent && framing.kind === "none" && asksForWebSocket(method, fields),
  };
}
