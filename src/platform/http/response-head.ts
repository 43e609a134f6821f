import { STATUS_CODES } from "node:http";
import type { HttpHeaders } from "../../node/ports.ts";

/** Fields that the listener sets itself; those of a caller are dropped. */
const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "keep-alive",
  "proxy-connection",
  "upgrade",
]);
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;

/** The value of the Date field, made once a second. */
export class HttpDate {
  #second = 0;
  #text = "";

  text(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}

/** A field that may be sent: not one of the framing, and its value cannot end its line. */
function sendable(name: string, value: string | undefined): value is string {
  return value !== undefined && !FRAMING_FIELDS.has(name) && !UNSAFE.test(value);
}

/** Field lines of `headers`, each with its CRLF. What may not be sent is left out. */
export function fieldLines(headers: HttpHeaders): string {
  let lines = "";
  for (const name in headers) {
    const value = headers[name];
    if (sendable(name, value)) lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** Adds the fields of `headers` to `block`, a header block of HTTP/2. What may not be sent is left out. */
export function addFields(block: Record<string, string | number>, headers: HttpHeaders): void {
  for (const name in headers) {
    const value = headers[name];
    if (sendable(name, value)) block[name] = value;
  }
}

/** The status line of an HTTP/1.1 answer with its CRLF. */
export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
}

/** Statuses whose answers have no body (RFC 9110, section 6.4.1). */
export function bodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}
