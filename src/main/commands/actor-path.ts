import { usageError } from "../cli/command-error.ts";
import { printable } from "../cli/table.ts";

/** An actor as the wire names it; an empty system is the default one. */
export interface ActorName {
  readonly system: string;
  readonly type: string;
  readonly key: string;
}

/**
 * Reads `type/key` or `system/type/key`. A key that holds a slash needs its system before it. Throws
 * `CommandError`; the server checks the names.
 */
export function parseActor(text: string): ActorName {
  const parts = text.split("/");
  const [first = "", second = "", ...rest] = parts;
  const actor =
    parts.length > 2
      ? { system: first, type: second, key: rest.join("/") }
      : { system: "", type: first, key: second };
  if (parts.length < 2 || actor.type === "" || actor.key === "") {
    throw usageError(`${printable(text)} names no actor`, "write type/key or system/type/key");
  }
  return actor;
}

/** How an actor is written in messages. */
export function actorText({ system, type, key }: ActorName): string {
  return printable(`${system === "" ? "" : `${system}/`}${type}/${key}`);
}
