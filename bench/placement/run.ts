/**
 * What the placements do with many actors: how even the shares are, what moves when one of the
 * members leaves, who takes it, and what a lookup costs.
 *
 *   node launcher.mjs bun bench/placement/run.ts [--actors 1000000] [--members 10,100,1000]
 */
import { parseArgs } from "node:util";
import consistentHash from "../../plugins/placement/consistent-hash/plugin.ts";
import leastLoaded from "../../plugins/placement/least-loaded/plugin.ts";
import rendezvous from "../../plugins/placement/rendezvous/plugin.ts";
import type { ActorId, Placement, PlacementMember } from "../../src/contract/index.ts";
import { recordingHost } from "../../test/conformance/support/recording-host.ts";
import { machineText } from "../support/machine.ts";

const STRATEGIES: Readonly<Record<string, () => Placement>> = {
  rendezvous: () => rendezvous.create({ slotsAbove: 256 }),
  "consistent-hash (256)": () => consistentHash.create({ virtualNodes: 256 }),
  "consistent-hash (1024)": () => consistentHash.create({ virtualNodes: 1_024 }),
  "least-loaded (no figures)": () =>
    leastLoaded.create(
      {
        preference: 3,
        lagFull: 250,
        memoryFull: 2 ** 32,
        lagPart: 0.5,
        activationsPart: 0.3,
        memoryPart: 0.2,
      },
      recordingHost(),
    ),
};

interface Figures {
  readonly maxShare: number;
  readonly deviation: number;
  readonly needless: number;
  readonly worstTaker: number;
  readonly firstNs: number;
  readonly changeMs: number;
}

function membersOf(count: number): PlacementMember[] {
  return Array.from({ length: count }, (_, at) => ({
    nodeId: `node-${String(at).padStart(5, "0")}`,
    weight: 1,
    tags: {},
  }));
}

function countsOf(owners: Int32Array, members: number): Int32Array {
  const counts = new Int32Array(members);
  for (const owner of owners) counts[owner] = (counts[owner] ?? 0) + 1;
  return counts;
}

function place(
  placement: Placement,
  members: readonly PlacementMember[],
  actors: readonly ActorId[],
): Int32Array {
  const index = new Map(members.map(({ nodeId }) => [nodeId, Number(nodeId.slice(5))]));
  const view = { version: members.length, members };
  return Int32Array.from(actors, (actor) => {
    return index.get(placement.owners(actor, view, 1)[0] ?? "") ?? -1;
  });
}

function measure(make: () => Placement, count: number, actors: readonly ActorId[]): Figures {
  const placement = make();
  const all = membersOf(count);
  const victim = Math.floor(count / 2);
  const [first] = actors;
  if (first === undefined) throw new Error("no actors");
  placement.owners(first, { version: 1, members: all }, 1);
  const began = performance.now();
  const before = place(placement, all, actors);
  const firstNs = ((performance.now() - began) * 1e6) / actors.length;
  const left = all.filter((_, at) => at !== victim);
  const changed = performance.now();
  placement.owners(first, { version: 2, members: left }, 1);
  const changeMs = performance.now() - changed;
  const after = place(placement, left, actors);
  const counts = countsOf(before, count);
  const mean = actors.length / count;
  const takers = new Int32Array(count);
  let needless = 0;
  before.forEach((owner, at) => {
    const now = after[at] ?? -1;
    if (owner === victim) takers[now] = (takers[now] ?? 0) + 1;
    else if (owner !== now) needless += 1;
  });
  const fair = (counts[victim] ?? 0) / (count - 1);
  const variance = counts.reduce((sum, each) => sum + (each - mean) ** 2, 0) / count;
  return {
    maxShare: Math.max(...counts) / mean,
    deviation: Math.sqrt(variance) / mean,
    needless,
    worstTaker: Math.max(...takers) / fair,
    firstNs,
    changeMs,
  };
}

const { values } = parseArgs({
  options: {
    actors: { type: "string", default: "1000000" },
    members: { type: "string", default: "10,100,1000" },
  },
});
const actors = Array.from({ length: Number(values.actors) }, (_, nth) => ({
  system: "bench",
  type: "order",
  key: `key-${nth}`,
}));
console.log(`${machineText()}; ${actors.length} actors\n`);
console.log(
  "| Strategy | Members | Fullest by mean | Rel. deviation | Moved without need | Worst taker by fair part | Lookup ns | First lookup after a change ms |",
);
console.log("|---|---|---|---|---|---|---|---|");
for (const count of values.members.split(",").map(Number)) {
  for (const [name, make] of Object.entries(STRATEGIES)) {
    const found = measure(make, count, actors);
    console.log(
      `| ${name} | ${count} | ${found.maxShare.toFixed(3)} | ${(found.deviation * 100).toFixed(2)} % | ${found.needless} | ${found.worstTaker.toFixed(2)} | ${Math.round(found.firstNs)} | ${found.changeMs.toFixed(1)} |`,
    );
  }
}
