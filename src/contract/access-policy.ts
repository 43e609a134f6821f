import type { ActorId } from "../domain/actor.ts";
import type { Caller } from "../domain/invocation.ts";
import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What an access policy is handed. */
export type AccessPolicyHost = PluginHost;

/** One question: may this caller do this? `admin` asks for an administrative operation by name. */
export type AccessQuestion =
  | {
      readonly kind: "invoke";
      readonly caller: Caller;
      readonly target: ActorId;
      readonly action: string;
    }
  | { readonly kind: "admin"; readonly caller: Caller; readonly operation: string }
  | {
      readonly kind: "channel";
      readonly caller: Caller;
      readonly channel: string;
      readonly operation: "publish" | "subscribe";
    };

/** The answer, with the rule that decided for audit and `troupe acl explain`. */
export interface AccessDecision {
  readonly allowed: boolean;
  readonly rule: string;
}

/**
 * The one authorisation function (guarantee G14). Deny wins, no match denies, a throw denies.
 * Called for every call, so it must be quick and must not wait.
 */
export interface AccessPolicy extends Component {
  decide(question: AccessQuestion): AccessDecision;
  /** Counts reloads; each decision belongs to one generation. */
  readonly generation: number;
  /** Problems worth a warning at start, e.g. rules that can never match. */
  warnings?(): readonly string[];
}
