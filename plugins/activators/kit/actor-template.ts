import type { ActorId } from "../../../src/contract/index.ts";
import type { OutsideEvent } from "./outside-event.ts";
import { type Rendered, Template } from "./template.ts";

/** The actor that an event means, or why it means none. */
export type AddressedActor =
  | { readonly kind: "ok"; readonly actor: ActorId }
  | { readonly kind: "missing"; readonly what: string };

/**
 * An address with placeholders: `type/key`, or `system/type/key` whose key may hold slashes. It is
 * parted where its own text has slashes, so that a slash in a value cannot reach another actor.
 */
export class ActorTemplate {
  readonly #system: Template;
  readonly #type: Template;
  readonly #key: Template;

  /** Throws if the text is neither; `defaultSystem` is that of the short form. */
  constructor(text: string, defaultSystem: string) {
    const parts = splitOutsideBraces(text);
    const [system = "", type = ""] = parts.length === 2 ? [defaultSystem, ...parts] : parts;
    const key = parts.slice(parts.length === 2 ? 1 : 2).join("/");
    if (system === "" || type === "" || key === "") {
      throw new Error(`actor "${text}" is neither type/key nor system/type/key`);
    }
    this.#system = new Template(system, "name");
    this.#type = new Template(type, "name");
    this.#key = new Template(key, "name");
  }

  render(event: OutsideEvent): AddressedActor {
    const system = this.#system.render(event);
    const type = this.#type.render(event);
    const key = this.#key.render(event);
    if (system.kind === "missing") return system;
    if (type.kind === "missing") return type;
    if (key.kind === "missing") return key;
    const problem = nameProblem("system", system) ?? nameProblem("type", type);
    if (problem !== undefined) return { kind: "missing", what: problem };
    if (key.text === "") return { kind: "missing", what: "a key that is not empty" };
    return { kind: "ok", actor: { system: system.text, type: type.text, key: key.text } };
  }
}

function nameProblem(what: string, rendered: Rendered & { kind: "ok" }): string | undefined {
  const isName = /^[^/\s]+$/.test(rendered.text);
  return isName ? undefined : `a ${what} without slashes and blanks`;
}

function splitOutsideBraces(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    if (character === "/" && depth <= 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}
