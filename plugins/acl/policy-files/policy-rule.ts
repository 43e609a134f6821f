import type { ActorId, Caller } from "../../../src/contract/index.ts";
import { Pattern } from "./pattern.ts";

/** Which actors are meant. */
export interface ActorPattern {
  readonly system: Pattern;
  readonly type: Pattern;
  readonly key: Pattern;
}

/** Which callers are meant. `principal` is matched against `<kind>:<id>`. */
export type CallerPattern =
  | { readonly kind: "anyone" }
  | { readonly kind: "principal"; readonly principal: Pattern }
  | { readonly kind: "role"; readonly role: Pattern }
  | { readonly kind: "actor"; readonly actor: ActorPattern };

/** Which channels are meant, and whether for publishing, subscribing or both. */
export interface ChannelPattern {
  readonly operation: "publish" | "subscribe" | undefined;
  readonly channel: Pattern;
}

/**
 * One policy. It answers invocations if it names actions, channels if it names channels, and
 * administration if it names operations. All conditions it has must hold.
 */
export interface PolicyRule {
  readonly name: string;
  readonly effect: "allow" | "deny";
  readonly callers: readonly CallerPattern[];
  readonly targets: readonly ActorPattern[];
  readonly types: readonly Pattern[];
  readonly actions: readonly Pattern[];
  readonly channels: readonly ChannelPattern[];
  readonly admin: readonly Pattern[];
}

/** Every actor. */
export function anyActor(): ActorPattern {
  const every = new Pattern("*");
  return { system: every, type: every, key: every };
}

/** What `principal` patterns are matched against. */
export function principalOf(caller: Caller): string {
  return `${caller.kind}:${caller.id}`;
}

/** True if one of the patterns means this caller, whose `principalOf` is handed in to make it once. */
export function meansCaller(
  patterns: readonly CallerPattern[],
  caller: Caller,
  principal: string,
): boolean {
  for (const pattern of patterns) if (isMeant(pattern, caller, principal)) return true;
  return false;
}

function isMeant(pattern: CallerPattern, caller: Caller, principal: string): boolean {
  switch (pattern.kind) {
    case "anyone":
      return true;
    case "principal":
      return pattern.principal.matches(principal);
    case "role":
      return caller.roles.some((role) => pattern.role.matches(role));
    case "actor":
      return caller.actor !== undefined && meansActor(pattern.actor, caller.actor);
  }
}

/** True if the pattern means this actor. */
export function meansActor(pattern: ActorPattern, actor: ActorId): boolean {
  return (
    pattern.system.matches(actor.system) &&
    pattern.type.matches(actor.type) &&
    pattern.key.matches(actor.key)
  );
}
