import {
  type ActorPattern,
  type CallerPattern,
  type ChannelPattern,
  meansActor,
  type PolicyRule,
} from "./policy-rule.ts";

/** Rules that can never decide, and rules that open everything to everyone. */
export function policyWarnings(rules: readonly PolicyRule[]): readonly string[] {
  const denials = rules.filter((rule) => rule.effect === "deny");
  const permissions = rules.filter((rule) => rule.effect === "allow");
  return permissions.flatMap((rule) => {
    const shadow = denials.find((denial) => coversRule(denial, rule));
    if (shadow !== undefined) {
      return [`acl.shadowed: policy ${rule.name} never allows, as ${shadow.name} denies all of it`];
    }
    return isWorldOpen(rule)
      ? [`acl.world_open: policy ${rule.name} allows every call of anyone`]
      : [];
  });
}

function isWorldOpen(rule: PolicyRule): boolean {
  return (
    rule.callers.some((caller) => caller.kind === "anyone") &&
    rule.types.every((type) => type.matchesAll) &&
    rule.actions.some((action) => action.matchesAll) &&
    rule.targets.some(
      (each) => each.system.matchesAll && each.type.matchesAll && each.key.matchesAll,
    )
  );
}

/** True if `outer` holds wherever `inner` does; errs on the side of false. */
function coversRule(outer: PolicyRule, inner: PolicyRule): boolean {
  const coversTypes =
    outer.types.length === 0 ||
    (inner.types.length > 0 && coversAll(outer.types, inner.types, (a, b) => a.covers(b)));
  return (
    coversTypes &&
    coversAll(outer.callers, inner.callers, coversCaller) &&
    coversAll(outer.actions, inner.actions, (a, b) => a.covers(b)) &&
    (inner.actions.length === 0 || coversAll(outer.targets, inner.targets, coversActor)) &&
    coversAll(outer.channels, inner.channels, coversChannel) &&
    coversAll(outer.admin, inner.admin, (a, b) => a.covers(b))
  );
}

function coversAll<T>(
  outer: readonly T[],
  inner: readonly T[],
  covers: (outer: T, inner: T) => boolean,
): boolean {
  return inner.every((each) => outer.some((candidate) => covers(candidate, each)));
}

function coversCaller(outer: CallerPattern, inner: CallerPattern): boolean {
  if (outer.kind === "anyone") return true;
  if (outer.kind === "principal" && inner.kind === "principal") {
    return outer.principal.covers(inner.principal);
  }
  if (outer.kind === "role" && inner.kind === "role") return outer.role.covers(inner.role);
  return outer.kind === "actor" && inner.kind === "actor" && coversActor(outer.actor, inner.actor);
}

function coversActor(outer: ActorPattern, inner: ActorPattern): boolean {
  const texts = { system: inner.system.text, type: inner.type.text, key: inner.key.text };
  return meansActor(outer, texts);
}

function coversChannel(outer: ChannelPattern, inner: ChannelPattern): boolean {
  const sameOperation = outer.operation === undefined || outer.operation === inner.operation;
  return sameOperation && outer.channel.covers(inner.channel);
}
