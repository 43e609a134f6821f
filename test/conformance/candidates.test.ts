import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import leastLoaded from "../../plugins/placement/least-loaded/plugin.ts";
import rendezvous from "../../plugins/placement/rendezvous/plugin.ts";
import type { Placement } from "../../src/contract/index.ts";
import { Candidates } from "../../src/core/placement/candidates.ts";
import { type Demand, unfitText } from "../../src/core/placement/fitness.ts";
import { Pins } from "../../src/core/placement/pins.ts";
import { PlacementViews } from "../../src/core/placement/placement-views.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import type { Member, MemberLoad } from "../../src/domain/member.ts";
import type { Topology } from "../../src/domain/topology.ts";
import { madeMember, madeTopology, nodes } from "../support/made-topology.ts";
import { Prng } from "../support/prng.ts";

const ORDER: Demand = { typePath: "test/order", requires: {} };
const SPEAKS = { min: 1, max: 2 };
const actor = (nth: number): ActorId => ({ system: "test", type: "order", key: `key-${nth}` });

function made(topology: Topology, placement: Placement = rendezvous.create({ slotsAbove: 256 })) {
  const views = new PlacementViews(SPEAKS);
  const pins = new Pins();
  views.use(topology);
  return { views, pins, candidates: new Candidates(placement, views, pins) };
}

function loads(activations: Readonly<Record<string, number>>): Map<string, MemberLoad> {
  return new Map(
    Object.entries(activations).map(([nodeId, count]) => [
      nodeId,
      { loopLagMs: 0, activations: count, residentBytes: 0 },
    ]),
  );
}

/** Why each member is passed over, in words. */
function reasons(topology: Topology, demand = ORDER): Record<string, string> {
  const { passedOver } = made(topology).candidates.list(actor(1), demand, 9);
  return Object.fromEntries(passedOver.map(({ nodeId, why }) => [nodeId, unfitText(why)]));
}

describe("who may own", () => {
  test("is alive, settled, not draining, serves the type, has the tags and speaks the protocol", () => {
    const topology = madeTopology([
      madeMember("fit", { tags: { gpu: "true" } }),
      madeMember("drains", { tags: { gpu: "true" }, draining: true }),
      madeMember("old", { tags: { gpu: "true" }, protocol: { min: 0, max: 0 } }),
      madeMember("future", { tags: { gpu: "true" }, protocol: { min: 3, max: 4 } }),
      madeMember("other", { tags: { gpu: "true" }, types: new Set(["test/cart"]) }),
      madeMember("silent", { tags: { gpu: "true" }, types: undefined }),
      madeMember("plain"),
      madeMember("off", { tags: { gpu: "false" } }),
      { member: madeMember("new", { tags: { gpu: "true" } }), settled: false },
      { member: madeMember("suspect", { tags: { gpu: "true" } }), suspect: true },
      madeMember("unwell", { tags: { gpu: "true" }, well: false }),
    ]);
    const demand = { ...ORDER, requires: { gpu: "true" } };
    expect(made(topology).candidates.list(actor(1), demand, 9).candidates).toEqual(["fit"]);
    expect(reasons(topology, demand)).toEqual({
      drains: "is draining",
      old: "speaks versions 0 to 0 of the peer protocol",
      future: "speaks versions 3 to 4 of the peer protocol",
      other: "does not serve the actor type",
      silent: "has not yet told its actor types",
      plain: "has no tag gpu=true",
      off: "has the tag gpu=false and not true",
      new: "has not been alive for long enough",
      suspect: "is suspected to be dead",
      unwell: "says that it is not well",
    });
  });

  test("is nobody where nobody is fit", () => {
    const { candidates } = made(madeTopology([madeMember("a", { types: new Set() })]));
    expect(candidates.owner(actor(1), ORDER)).toBeUndefined();
    expect(candidates.forNew(actor(1), ORDER)).toBeUndefined();
    expect(made(madeTopology([])).candidates.list(actor(1), ORDER, 3).candidates).toEqual([]);
    expect(made(madeTopology([])).candidates.replicas(actor(1), ORDER, 3)).toEqual([]);
  });

  test("may be new where nobody who is fit has settled", () => {
    const fresh = { member: madeMember("fresh"), settled: false };
    const busy = madeMember("busy", { types: new Set() });
    expect(made(madeTopology([fresh, busy])).candidates.forNew(actor(1), ORDER)).toBe("fresh");
  });

  test("asks for the demand in force when that of a type changes", () => {
    const topology = madeTopology([madeMember("a"), madeMember("b", { tags: { gpu: "true" } })]);
    const { candidates } = made(topology);
    const owners = new Set(
      Array.from({ length: 50 }, (_, nth) => candidates.owner(actor(nth), ORDER)),
    );
    expect(owners).toEqual(new Set(["a", "b"]));
    const wanted = { ...ORDER, requires: { gpu: "true" } };
    expect(candidates.owner(actor(1), wanted)).toBe("b");
    expect(candidates.owner(actor(2), wanted)).toBe("b");
  });
});

describe("suspicion", () => {
  const list = nodes(5);
  const calm = madeTopology(list);
  const victim = "n2";
  const worried = madeTopology(
    list.map((member) => ({ member, suspect: member.nodeId === victim })),
    2,
  );

  test("moves nothing: every actor belongs where it did", () => {
    const { candidates, views } = made(calm);
    const before = Array.from({ length: 300 }, (_, nth) => candidates.owner(actor(nth), ORDER));
    views.use(worried);
    const after = Array.from({ length: 300 }, (_, nth) => candidates.owner(actor(nth), ORDER));
    expect(after).toEqual(before);
    expect(before).toContain(victim);
  });

  test("takes the member off the list for new actors, and theirs go to the next in order", () => {
    const { candidates, views } = made(calm);
    const order = candidates.list(actor(1), ORDER, 5).candidates;
    views.use(
      madeTopology(
        list.map((member) => ({ member, suspect: member.nodeId === order[0] })),
        2,
      ),
    );
    expect(candidates.forNew(actor(1), ORDER)).toBe(order[1]);
    expect(candidates.list(actor(1), ORDER, 5).candidates).toEqual(order.slice(1));
    expect(candidates.replicas(actor(1), ORDER, 2)).toEqual(order.slice(0, 2));
  });

  test("keeps the placement's own tables", () => {
    const seen = new Set<unknown>();
    const counting: Placement = {
      owners(_, view) {
        seen.add(view.members);
        return view.members.map(({ nodeId }) => nodeId);
      },
    };
    const { candidates, views } = made(calm, counting);
    candidates.owner(actor(1), ORDER);
    views.use(worried);
    views.useLoads(loads({ n0: 3 }));
    candidates.owner(actor(1), ORDER);
    expect(seen.size).toBe(1);
    views.use(
      madeTopology(
        nodes(5, (at) => ({ weight: at + 1 })),
        3,
      ),
    );
    candidates.owner(actor(1), ORDER);
    expect(seen.size).toBe(2);
  });
});

describe("P9: the bound of load", () => {
  test("is exceeded only where four candidates are full", () => {
    const { candidates, views } = made(madeTopology(nodes(9, (at) => ({ weight: 1 + (at % 3) }))));
    const counts: Record<string, number> = Object.fromEntries(
      nodes(9).map(({ nodeId }) => [nodeId, 0]),
    );
    const weights = new Map(nodes(9).map(({ nodeId }, at) => [nodeId, 1 + (at % 3)]));
    const total = [...weights.values()].reduce((sum, each) => sum + each, 0);
    for (let nth = 0; nth < 3_000; nth += 1) {
      views.useLoads(loads(counts));
      const bound = (nodeId: string) =>
        Math.ceil((1.25 * (nth + 1) * (weights.get(nodeId) ?? 1)) / total);
      const chosen = candidates.forNew(actor(nth), ORDER) ?? "";
      if ((counts[chosen] ?? 0) >= bound(chosen)) {
        const order = rendezvous
          .create({ slotsAbove: 256 })
          .owners(actor(nth), views.of(ORDER).view, 4);
        expect(order.every((nodeId) => (counts[nodeId] ?? 0) >= bound(nodeId))).toBe(true);
        expect(chosen).toBe(order[0] ?? "");
      }
      counts[chosen] = (counts[chosen] ?? 0) + 1;
    }
    for (const [nodeId, count] of Object.entries(counts)) {
      expect(count / ((3_000 * (weights.get(nodeId) ?? 1)) / total)).toBeLessThan(1.27);
    }
  });

  test("does not change where a running actor belongs, and is told as the reason", () => {
    const { candidates, views } = made(madeTopology(nodes(4)));
    const [first = "", second = ""] = candidates.list(actor(7), ORDER, 4).candidates;
    views.useLoads(loads({ n0: 1, n1: 1, n2: 1, n3: 1, [first]: 100 }));
    expect(candidates.owner(actor(7), ORDER)).toBe(first);
    expect(candidates.forNew(actor(7), ORDER)).toBe(second);
    const { passedOver, candidates: listed } = candidates.list(actor(7), ORDER, 4);
    expect(listed[0]).toBe(second);
    expect(passedOver.map(({ why }) => unfitText(why))).toEqual([
      "has 100 activations and may take fewer than 33",
    ]);
  });

  test("leaves out who has not said how loaded it is", () => {
    const { candidates, views } = made(madeTopology(nodes(2)));
    const [first = ""] = candidates.list(actor(7), ORDER, 2).candidates;
    views.useLoads(loads({ [first === "n0" ? "n1" : "n0"]: 1_000 }));
    expect(candidates.forNew(actor(7), ORDER)).toBe(first);
  });
});

describe("a pin", () => {
  test("decides as long as its member is fit", () => {
    const { candidates, pins, views } = made(madeTopology(nodes(4)));
    const other = ["n0", "n1", "n2", "n3"].find(
      (nodeId) => nodeId !== candidates.owner(actor(1), ORDER),
    );
    const pinned = other ?? "";
    expect(pins.pin(actor(1), pinned)).toBe(true);
    expect(candidates.owner(actor(1), ORDER)).toBe(pinned);
    expect(candidates.forNew(actor(1), ORDER)).toBe(pinned);
    expect(candidates.replicas(actor(1), ORDER, 2)[0]).toBe(pinned);
    expect(candidates.list(actor(1), ORDER, 9)).toMatchObject({ pinned, version: 1 });
    expect(new Set(candidates.list(actor(1), ORDER, 9).candidates).size).toBe(4);
    views.use(
      madeTopology(
        nodes(4).filter(({ nodeId }) => nodeId !== pinned),
        2,
      ),
    );
    expect(candidates.owner(actor(1), ORDER)).not.toBe(pinned);
    views.use(madeTopology(nodes(4), 3));
    expect(candidates.owner(actor(1), ORDER)).toBe(pinned);
    pins.unpin(actor(1));
    expect(candidates.owner(actor(1), ORDER)).not.toBe(pinned);
  });

  test("to a member that takes nothing new gives way for an actor that does not run", () => {
    const worried = nodes(4).map((member) => ({ member, suspect: member.nodeId === "n3" }));
    const { candidates, pins } = made(madeTopology(worried));
    pins.pin(actor(1), "n3");
    expect(candidates.owner(actor(1), ORDER)).toBe("n3");
    expect(candidates.forNew(actor(1), ORDER)).not.toBe("n3");
  });

  test("is refused when there is no room for one more", () => {
    const pins = new Pins(2);
    expect([1, 2, 3].map((nth) => pins.pin(actor(nth), "n0"))).toEqual([true, true, false]);
    expect(pins.pin(actor(2), "n1")).toBe(true);
    expect(pins.of(actor(2))).toBe("n1");
    expect(pins.size).toBe(2);
  });
});

describe("copies", () => {
  test("P5: are on distinct members, the owner first, and in distinct zones where there are some", () => {
    const zoned = nodes(9, (at) => ({ zone: `zone-${at % 3}` }));
    const { candidates } = made(madeTopology(zoned));
    const zoneOf = new Map(zoned.map(({ nodeId, zone }) => [nodeId, zone]));
    for (let nth = 0; nth < 200; nth += 1) {
      const copies = candidates.replicas(actor(nth), ORDER, 3);
      expect(copies[0]).toBe(candidates.owner(actor(nth), ORDER) ?? "");
      expect(new Set(copies.map((nodeId) => zoneOf.get(nodeId))).size).toBe(3);
    }
  });

  test("PH-17: of a factor larger than the cluster are one per member", () => {
    const { candidates } = made(madeTopology(nodes(3)));
    expect(candidates.replicas(actor(1), ORDER, 99).length).toBe(3);
  });
});

test("a placement that decides once moves nothing", () => {
  const scale = {
    lagFull: 250,
    memoryFull: 2 ** 32,
    lagPart: 1,
    activationsPart: 0,
    memoryPart: 0,
  };
  const once = leastLoaded.create({ preference: 3, ...scale }, undefined as never);
  expect(made(madeTopology(nodes(2)), once).candidates.moves).toBe(false);
  expect(made(madeTopology(nodes(2))).candidates.moves).toBe(true);
});

test("P8: from any stale view the owner is found within three hops", () => {
  const scene = fc.record({
    before: fc.integer({ min: 3, max: 12 }),
    gone: fc.uniqueArray(fc.nat(11), { maxLength: 2 }),
    joined: fc.nat(2),
    stale: fc.uniqueArray(fc.nat(15), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(scene, fc.nat(1_000), ({ before, gone, joined, stale }, nth) => {
      const old = nodes(before);
      const now = nodes(before + joined).filter((_, at) => !gone.includes(at));
      const there = new Set(now.map(({ nodeId }) => nodeId));
      // Whoever is gone does not answer, and the next candidate is tried.
      const asSeen = (list: readonly Member[]) => {
        const reached = list.filter(({ nodeId }) => there.has(nodeId));
        return made(madeTopology(reached)).candidates.owner(actor(nth), ORDER);
      };
      const viewOf = (nodeId = "") => {
        const at = Number(nodeId.slice(1));
        return stale.includes(at) && at < before ? old : now;
      };
      const owner = asSeen(now);
      let hops = 0;
      let next = asSeen(old);
      while (next !== owner && hops < 3) {
        hops += 1;
        const told = asSeen(viewOf(next));
        // Who takes itself for the owner asks the store, which names the one that holds the actor.
        next = told === next ? owner : told;
      }
      expect(next).toBe(owner);
    }),
    { numRuns: 200 },
  );
});

test("whatever the members, an owner is fit, and everybody is a candidate or passed over", () => {
  const prng = new Prng(5);
  for (let round = 0; round < 200; round += 1) {
    const list = nodes(1 + prng.below(9), () => ({
      draining: prng.below(4) === 0,
      well: prng.below(4) !== 0,
      weight: 1 + prng.below(3),
      types: prng.below(5) === 0 ? new Set<string>() : new Set(["test/order"]),
    }));
    const topology = madeTopology(
      list.map((member) => ({
        member,
        suspect: prng.below(4) === 0,
        settled: prng.below(3) !== 0,
      })),
    );
    const { candidates, views } = made(topology);
    views.useLoads(loads(Object.fromEntries(list.map((each) => [each.nodeId, prng.below(20)]))));
    const listed = candidates.list(actor(round), ORDER, 99);
    const all = [...listed.candidates, ...listed.passedOver.map(({ nodeId }) => nodeId)];
    expect([...all].sort()).toEqual(list.map(({ nodeId }) => nodeId).sort());
    const chosen = candidates.forNew(actor(round), ORDER);
    expect(chosen).toBe(listed.candidates[0]);
  }
});
