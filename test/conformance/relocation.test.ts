import { describe, expect, test } from "bun:test";
import consistentHash from "../../plugins/placement/consistent-hash/plugin.ts";
import rendezvous from "../../plugins/placement/rendezvous/plugin.ts";
import type { Placement } from "../../src/contract/index.ts";
import { Candidates } from "../../src/core/placement/candidates.ts";
import { Pins } from "../../src/core/placement/pins.ts";
import { PlacementViews } from "../../src/core/placement/placement-views.ts";
import { Relocation } from "../../src/core/topology/relocation.ts";
import type {
  LocalActor,
  RelocationEffect,
  RelocationInput,
} from "../../src/core/topology/relocation-effects.ts";
import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import type { Topology } from "../../src/domain/topology.ts";
import { madeTopology, nodes } from "../support/made-topology.ts";

const DEMAND = { typePath: "test/order", requires: {} };
const SPEAKS = { min: 1, max: 2 };
const PLACEMENTS: Readonly<Record<string, () => Placement>> = {
  rendezvous: () => rendezvous.create({ slotsAbove: 256 }),
  "consistent-hash": () => consistentHash.create({ virtualNodes: 256 }),
};

const actor = (nth: number): ActorId => ({ system: "test", type: "order", key: `key-${nth}` });

/** A cluster whose nodes move their actors as they are told, each move taking 40 ms. */
class Cluster {
  readonly where = new Map<string, string>();
  readonly moves: { readonly atMs: number; readonly from: string; readonly to: string }[] = [];
  readonly #views = new PlacementViews(SPEAKS);
  readonly #candidates: Candidates;
  readonly #actors: readonly ActorId[];
  readonly #timers: { atMs: number; fire: () => void }[] = [];
  #topology: Topology;
  #nowMs = 0;

  constructor(placement: Placement, members: number, actors: number) {
    this.#candidates = new Candidates(placement, this.#views, new Pins());
    this.#topology = madeTopology(nodes(members));
    this.#views.use(this.#topology);
    this.#actors = Array.from({ length: actors }, (_, nth) => actor(nth));
    for (const each of this.#actors) {
      this.where.set(actorPath(each), this.#candidates.owner(each, DEMAND) ?? "");
    }
  }

  /** Members change, and every node rebalances until nothing more happens. */
  change(topology: Topology): void {
    const before = this.#topology;
    this.#topology = topology;
    this.#views.use(topology);
    for (const { member } of topology.members) this.#node(member.nodeId, before);
    for (;;) {
      this.#timers.sort((a, b) => a.atMs - b.atMs);
      const next = this.#timers.shift();
      if (next === undefined) return;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
  }

  misplaced(): number {
    return this.#actors.filter(
      (each) => this.where.get(actorPath(each)) !== this.#candidates.owner(each, DEMAND),
    ).length;
  }

  #node(self: string, before: Topology): void {
    const relocation = new Relocation({
      self,
      speaks: SPEAKS,
      candidates: this.#candidates,
      queue: { topology: this.#topology, decision: { kind: "serve" }, busy: false },
      perSecond: 200,
      consent: undefined,
    });
    const feed = (input: RelocationInput): void => {
      for (const effect of relocation.step(input, this.#nowMs)) this.#perform(self, effect, feed);
    };
    const actors = this.#actors
      .filter((each) => this.where.get(actorPath(each)) === self)
      .map((each): LocalActor => ({ actor: each, demand: DEMAND }));
    feed({ kind: "rebalance", before, after: this.#topology, actors });
  }

  #perform(self: string, effect: RelocationEffect, feed: (input: RelocationInput) => void): void {
    if (effect.kind === "schedule") {
      const { timer, afterMs } = effect;
      this.#timers.push({
        atMs: this.#nowMs + afterMs,
        fire: () => feed({ kind: "timer", timer }),
      });
    }
    if (effect.kind !== "move") return;
    this.moves.push({ atMs: this.#nowMs, from: self, to: effect.to });
    this.#timers.push({
      atMs: this.#nowMs + 40,
      fire: () => {
        this.where.set(actorPath(effect.actor), effect.to);
        feed({ kind: "moved", actor: effect.actor, outcome: "moved" });
      },
    });
  }
}

describe.each(Object.entries(PLACEMENTS))("PH-16: %s", (name, create) => {
  const ACTORS = 6_000;

  test("a member that joins is given at most 1.2 of its fair part, and nobody else anything", () => {
    const cluster = new Cluster(create(), 5, ACTORS);
    cluster.change(madeTopology(nodes(6), 2));
    expect(cluster.moves.every(({ to }) => to === "n5")).toBe(true);
    expect(cluster.moves.length).toBeLessThanOrEqual((ACTORS / 6) * 1.2 + 5);
    expect(cluster.moves.length).toBeGreaterThan((ACTORS / 6) * 0.8);
    // What is above the bound drifts later; with even shares there is nothing above it.
    if (name === "rendezvous") expect(cluster.misplaced()).toBe(0);
  });

  test("no node begins more than 200 moves in any second", () => {
    const cluster = new Cluster(create(), 2, ACTORS);
    cluster.change(madeTopology(nodes(3), 2));
    expect(cluster.moves.length).toBeGreaterThan(1_000);
    for (const from of ["n0", "n1"]) {
      const times = cluster.moves.filter((move) => move.from === from).map(({ atMs }) => atMs);
      times.forEach((atMs, at) => {
        const later = times[at + 200];
        if (later !== undefined) expect(later - atMs).toBeGreaterThanOrEqual(1_000);
      });
    }
  });

  test("a member that leaves makes nobody move what it runs", () => {
    const cluster = new Cluster(create(), 5, ACTORS);
    cluster.change(madeTopology(nodes(4), 2));
    expect(cluster.moves).toEqual([]);
  });
});

test("a placement that moves at random is held to the bound all the same", () => {
  const fickle: Placement = {
    owners: ({ key }, { version, members }) => {
      const at = (Number(key.slice(4)) * 7 + version * 13) % Math.max(1, members.length);
      return members.length === 0 ? [] : [members[at]?.nodeId ?? ""];
    },
  };
  const cluster = new Cluster(fickle, 5, 6_000);
  cluster.change(madeTopology(nodes(6), 2));
  expect(cluster.misplaced()).toBeGreaterThan(3_000);
  expect(cluster.moves.length).toBeLessThanOrEqual(1_000 * 1.2 + 5);
});
