/**
 * The first `count` of `order` such that no zone comes twice before each has come once. A member
 * without a zone is a zone of its own. With as many zones as members are asked for, the loss of any
 * zone takes one of them.
 */
export function spreadOverZones(
  order: readonly string[],
  zoneOf: (nodeId: string) => string,
  count: number,
): readonly string[] {
  const chosen: string[] = [];
  let waiting = order;
  while (chosen.length < count && waiting.length > 0) {
    const used = new Set<string>();
    const later: string[] = [];
    for (const nodeId of waiting) {
      const zone = zoneOf(nodeId);
      if (chosen.length < count && (zone === "" || !used.has(zone))) chosen.push(nodeId);
      else later.push(nodeId);
      if (zone !== "") used.add(zone);
    }
    waiting = later;
  }
  return chosen;
}
