import { EMPTY_PAYLOAD, JSON_TYPE, type Payload } from "../../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import { jsonPayload, payloadText } from "../../sdk/json-payload.ts";
import { usageError } from "../cli/command-error.ts";
import { compactJson, prettyJson } from "../cli/json-text.ts";
import { printable } from "../cli/table.ts";
import type { Output, Terminal } from "../cli/terminal.ts";
import { readText } from "./connection.ts";

/**
 * The payload that an argument names: JSON text, `@file`, or `-` for standard input. The text itself
 * is sent, so that no number changes. Rejects with `CommandError` if it is no JSON.
 */
export async function readPayload(given: string | undefined, terminal: Terminal): Promise<Payload> {
  if (given === undefined) return EMPTY_PAYLOAD;
  const text = await payloadSource(given, terminal);
  if (text.trim() === "") return EMPTY_PAYLOAD;
  try {
    JSON.parse(text);
  } catch {
    const hint = `a text needs its own quotes: '"text"'; @file and - read it from elsewhere`;
    throw usageError("the payload is not JSON", hint);
  }
  return jsonPayload(text);
}

async function payloadSource(given: string, terminal: Terminal): Promise<string> {
  const limit = DEFAULT_LIMITS.messageBytes;
  if (given.startsWith("@")) return readText(given.slice(1), limit);
  if (given !== "-") return given;
  try {
    return new TextDecoder().decode(await terminal.readInput(limit));
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

/** A payload as members of a JSON object: `"<name>":…`, or type and base64 if it is no JSON. */
export function payloadMember(name: string, payload: Payload | undefined): string {
  if (payload === undefined || payload.data.length === 0) return `"${name}":null`;
  const text = jsonOf(payload);
  if (text !== undefined) return `"${name}":${compactJson(text)}`;
  const data = Buffer.from(payload.data).toString("base64");
  return `"${name}":${JSON.stringify({ type: payload.type, base64: data })}`;
}

/** The JSON text of a payload; `undefined` if it is anything else. */
export function jsonOf(payload: Payload): string | undefined {
  if (payload.type !== JSON_TYPE && payload.type !== "") return undefined;
  const text = payloadText(payload);
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/** Writes a payload for people: JSON in lines on a terminal, in one line elsewhere; else its bytes. */
export function writePayload(payload: Payload | undefined, out: Output): void {
  if (payload === undefined || payload.data.length === 0) return;
  const text = jsonOf(payload);
  if (text !== undefined) {
    out.write(`${out.interactive ? prettyJson(text) : compactJson(text)}\n`);
  } else if (out.interactive) {
    out.write(`${printable(payload.type)}, ${payload.data.length} bytes; --json shows them\n`);
  } else {
    out.write(payload.data);
  }
}
