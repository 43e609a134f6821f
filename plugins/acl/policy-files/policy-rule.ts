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
  const any = new Pattern("*");
  return { system: any, type: any, key: any };
}

/** True if the pattern means this caller. */
export function meansCaller(pattern: CallerPattern, caller: Caller): boolean {
  switch (pattern.kind) {
    case "anyone":
      return true;
    case "principal":
      return pattern.principal.matches(`${caller.kind}:${caller.id}`);
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
