import type { Member } from "../../domain/member.ts";

/** True if the member takes part in the system. */
export function servesSystem(member: Member, system: string): boolean {
  return member.systems === undefined || member.systems.includes(system);
}

/**
 * True if actors belong where they did before. A member that begins to drain gives its own actors
 * away, and one that is unwell keeps them: neither is a reason for others to move theirs.
 */
export function samePlacement(before: Member, after: Member): boolean {
  return (
    before.weight === after.weight &&
    before.protocol.min === after.protocol.min &&
    before.protocol.max === after.protocol.max &&
    (after.draining || !before.draining) &&
    sameTypes(before.types, after.types) &&
    sameTags(before.tags, after.tags)
  );
}

function sameTypes(
  before: ReadonlySet<string> | undefined,
  after: ReadonlySet<string> | undefined,
): boolean {
  if (before === after) return true;
  if (before === undefined || after === undefined || before.size !== after.size) return false;
  return [...before].every((type) => after.has(type));
}

function sameTags(before: Member["tags"], after: Member["tags"]): boolean {
  const names = Object.keys(before);
  return (
    names.length === Object.keys(after).length &&
    names.every((name) => before[name] === after[name])
  );
}
