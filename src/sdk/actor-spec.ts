import type { ActorTypeSpec } from "../domain/actor.ts";
import { JSON_TYPE } from "../domain/invocation.ts";
import type { Actor } from "./actor.ts";

/**
 * What an actor registers; a 0 leaves a setting to the server. Throws a `TypeError` that names the actor if a read-only action does not
 * exist; names are checked by the server.
 */
export function actorTypeSpec(actor: Actor, system: string): ActorTypeSpec {
  const readOnly = new Set(actor.readOnly);
  for (const name of readOnly) {
    if (!Object.hasOwn(actor.actions, name)) {
      throw new TypeError(`actor "${actor.type}" has no action "${name}" to be read-only`);
    }
  }
  return {
    system,
    type: actor.type,
    kind: actor.name === undefined ? "unnamed" : "named",
    stateful: actor.initial !== undefined,
    durability: actor.durability ?? "commit",
    actions: Object.keys(actor.actions).map((name) => ({ name, readOnly: readOnly.has(name) })),
    openActions: false,
    deactivationTimeoutMs: actor.deactivationTimeoutMs ?? 0,
    reentrant: actor.reentrant ?? false,
    reads: actor.reads ?? "fenced",
    history: actor.history ?? { kind: "none" },
    stateType: JSON_TYPE,
    mailboxCalls: actor.mailboxCalls ?? 0,
    mailboxBytes: actor.mailboxBytes ?? 0,
  };
}
