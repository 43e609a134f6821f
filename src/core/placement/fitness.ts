import type { ProtocolRange } from "../../domain/member.ts";
import type { TopologyMember } from "../../domain/topology.ts";

/** What an actor needs of the member it lives on. */
export interface Demand {
  /** `system/type` of the actor. */
  readonly typePath: string;
  /** Tags that the member must have with these values. */
  readonly requires: Readonly<Record<string, string>>;
}

/** Why a member is not chosen for an actor, for people who ask. */
export type Unfit =
  | { readonly kind: "draining" }
  | { readonly kind: "protocol"; readonly speaks: ProtocolRange }
  | { readonly kind: "types-unknown" }
  | { readonly kind: "type-not-served" }
  | { readonly kind: "tag"; readonly tag: string; readonly wanted: string; readonly has: string }
  | { readonly kind: "not-settled" }
  /** Keeps what it has. */
  | { readonly kind: "suspect" }
  /** Keeps what it has; by its own judgement. */
  | { readonly kind: "unwell" }
  /** Another candidate took its place for this activation. */
  | { readonly kind: "full"; readonly activations: number; readonly bound: number };

/** What keeps a member from owning such an actor at all, or `undefined`. `speaks` is the asker's range. */
export function unfitToOwn(
  { member }: TopologyMember,
  demand: Demand,
  speaks: ProtocolRange,
): Unfit | undefined {
  if (member.draining) return { kind: "draining" };
  if (member.protocol.min > speaks.max || member.protocol.max < speaks.min) {
    return { kind: "protocol", speaks: member.protocol };
  }
  if (member.types === undefined) return { kind: "types-unknown" };
  if (!member.types.has(demand.typePath)) return { kind: "type-not-served" };
  for (const [tag, wanted] of Object.entries(demand.requires)) {
    const has = Object.hasOwn(member.tags, tag) ? (member.tags[tag] ?? "") : "";
    if (has !== wanted) return { kind: "tag", tag, wanted, has };
  }
  return undefined;
}

/** What keeps a member that may own from being given one more actor, or `undefined`. */
export function unfitForNew({ member, suspect }: TopologyMember): Unfit | undefined {
  if (suspect) return { kind: "suspect" };
  return member.well ? undefined : { kind: "unwell" };
}

/** The reason in words that follow the member's name. */
export function unfitText(unfit: Unfit): string {
  switch (unfit.kind) {
    case "draining":
      return "is draining";
    case "protocol":
      return `speaks versions ${unfit.speaks.min} to ${unfit.speaks.max} of the peer protocol`;
    case "types-unknown":
      return "has not yet told its actor types";
    case "type-not-served":
      return "does not serve the actor type";
    case "tag":
      return unfit.has === ""
        ? `has no tag ${unfit.tag}=${unfit.wanted}`
        : `has the tag ${unfit.tag}=${unfit.has} and not ${unfit.wanted}`;
    case "not-settled":
      return "has not been alive for long enough";
    case "suspect":
      return "is suspected to be dead";
    case "unwell":
      return "says that it is not well";
    case "full":
      return `has ${unfit.activations} activations and may take fewer than ${unfit.bound}`;
  }
}
