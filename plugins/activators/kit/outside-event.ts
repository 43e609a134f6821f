import type { StringMap } from "../../../src/contract/index.ts";

/** What came from outside, in the form that every template reads. */
export interface OutsideEventParts {
  readonly body: Uint8Array;
  /** Names in lower case. */
  readonly headers?: StringMap;
  readonly query?: StringMap;
  /** CloudEvents attributes, if it is one. */
  readonly attributes?: StringMap;
  readonly topic?: string;
  readonly key?: string;
}

/** One outside event. The body is decoded and parsed once, and only if a template asks for it. */
export class OutsideEvent {
  readonly body: Uint8Array;
  readonly headers: StringMap;
  readonly query: StringMap;
  readonly attributes: StringMap;
  readonly topic: string | undefined;
  readonly key: string | undefined;
  #text: { readonly value: string | undefined } | undefined;
  #json: { readonly value: unknown } | undefined;

  constructor(parts: OutsideEventParts) {
    this.body = parts.body;
    this.headers = parts.headers ?? {};
    this.query = parts.query ?? {};
    this.attributes = parts.attributes ?? {};
    this.topic = parts.topic;
    this.key = parts.key;
  }

  /** The body as text, or `undefined` if it is not UTF-8. */
  text(): string | undefined {
    this.#text ??= { value: decodeUtf8(this.body) };
    return this.#text.value;
  }

  /** The body as JSON, or `undefined` if it is none. */
  json(): unknown {
    this.#json ??= { value: parseJson(this.text()) };
    return this.#json.value;
  }
}

/** The own entry of a map; names such as `constructor` are not in it unless they were put there. */
export function entryOf(map: StringMap, name: string): string | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/** The text of UTF-8 bytes, or `undefined` if they are none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value of JSON text, or `undefined` if it is none. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
