import { STATUS_CODES } from "node:http";
import type { HttpHeaders } from "../../node/ports.ts";

/** Fields that the listener sets itself; those of a caller are dropped. */
const FRAMING_FIELDS = new Set(["connection", "content-length", "transfer-encoding", "keep-alive"]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/;

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

/** Field lines of `headers`, each with its CRLF. A value that could end its line is left out. */
export function fieldLines(headers: HttpHeaders): string {
  let lines = "";
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || FRAMING_FIELDS.has(name) || UNSAFE.test(value)) continue;
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** The status line of an HTTP/1.1 answer with its CRLF. */
export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
}

/** Statuses whose answers have no body (RFC 9110, section 6.4.1). */
export function bodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}
