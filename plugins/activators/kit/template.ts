import { followJsonPath, type JsonStep, parseJsonPath } from "./json-path.ts";
import { entryOf, type OutsideEvent } from "./outside-event.ts";

/**
 * `name`: the values stand as they are, for addresses and ids; braces are doubled to mean themselves.
 * `json`: the values stand as JSON, so that none of them can break out of its place.
 */
export type TemplateForm = "name" | "json";

/** The text made of an event, or what it lacks. */
export type Rendered =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "missing"; readonly what: string };

type Placeholder =
  | { readonly kind: "header" | "query" | "ce"; readonly name: string; readonly shown: string }
  | { readonly kind: "json"; readonly steps: readonly JsonStep[]; readonly shown: string }
  | { readonly kind: "body" | "bodyString" | "topic" | "key"; readonly shown: string };

const PLACEHOLDER = /^\{([a-z]+)(?::((?:'[^']*'|"[^"]*"|[^}'"])*))?\}/;

/**
 * Text with placeholders: `{header:x-id}`, `{query:id}`, `{json:$.order.id}`, `{ce:type}`, `{body}`,
 * `{body:string}`, `{topic}`, `{key}`. A value that is absent, or that a name cannot hold exactly, is
 * reported and never guessed.
 */
export class Template {
  readonly #form: TemplateForm;
  readonly #parts: readonly (string | Placeholder)[];

  /** Throws if the text is not a template of this form. */
  constructor(text: string, form: TemplateForm) {
    this.#form = form;
    this.#parts = parseParts(text, form);
  }

  render(event: OutsideEvent): Rendered {
    let text = "";
    for (const part of this.#parts) {
      const value = typeof part === "string" ? part : this.#valueOf(part, event);
      if (value === undefined) {
        return { kind: "missing", what: typeof part === "string" ? part : part.shown };
      }
      text += value;
    }
    return { kind: "ok", text };
  }

  #valueOf(part: Placeholder, event: OutsideEvent): string | undefined {
    if (part.kind === "json") return this.#json(followJsonPath(event.json(), part.steps));
    if (part.kind === "body") return event.text();
    const text = textOf(part, event);
    if (text === undefined) return undefined;
    return this.#form === "json" || part.kind === "bodyString" ? JSON.stringify(text) : text;
  }

  #json(value: unknown): string | undefined {
    if (value === undefined) return undefined;
    // A whole number beyond 2^53 has lost digits in parsing: two orders would share one actor.
    if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return undefined;
    }
    if (this.#form === "json") return JSON.stringify(value);
    return typeof value === "object" ? undefined : String(value);
  }
}

function textOf(part: Exclude<Placeholder, { kind: "json" }>, event: OutsideEvent) {
  switch (part.kind) {
    case "header":
      return entryOf(event.headers, part.name);
    case "query":
      return entryOf(event.query, part.name);
    case "ce":
      return entryOf(event.attributes, part.name);
    case "topic":
      return event.topic;
    case "key":
      return event.key;
    case "body":
    case "bodyString":
      return event.text();
  }
}

function parseParts(text: string, form: TemplateForm): (string | Placeholder)[] {
  const parts: (string | Placeholder)[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const found = PLACEHOLDER.exec(rest);
    if (found !== null) {
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push(placeholder(found[0], found[1] ?? "", found[2]));
      at += found[0].length;
      continue;
    }
    const doubled = form === "name" && (rest.startsWith("{{") || rest.startsWith("}}"));
    if (!doubled && isStrayBrace(rest, form)) {
      throw new Error(`template "${text}" has a stray brace at character ${at + 1}`);
    }
    literal += rest[0];
    at += doubled ? 2 : 1;
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

/** In JSON a brace is ordinary, unless a word follows it: then it is a placeholder gone wrong. */
function isStrayBrace(rest: string, form: TemplateForm): boolean {
  return form === "json" ? /^\{[a-z]/.test(rest) : /^[{}]/.test(rest);
}

function placeholder(shown: string, kind: string, argument: string | undefined): Placeholder {
  if (kind === "body" && argument === "string") return { kind: "bodyString", shown };
  if (kind === "body" || kind === "topic" || kind === "key") {
    if (argument === undefined) return { kind, shown };
  } else if (argument !== undefined && argument !== "") {
    if (kind === "header" || kind === "ce") return { kind, name: argument.toLowerCase(), shown };
    if (kind === "query") return { kind, name: argument, shown };
    const steps = kind === "json" ? parseJsonPath(argument) : undefined;
    if (steps !== undefined) return { kind: "json", steps, shown };
  }
  throw new Error(`template has an unknown placeholder ${shown}`);
}
