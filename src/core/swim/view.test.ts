import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ALIVE, DEAD, LEFT, type Rank, SUSPECT, UNKNOWN } from "./member.ts";
import { PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import { NOBODY, Roster } from "./roster.ts";
import { View } from "./view.ts";
import { PACKET_MAGIC } from "./wire.ts";
import { idOf } from "./wire-id.ts";

/** A reader that has read an `alive`. */
function alive(name: string, generation: number, incarnation: number, meta = ""): PacketReader {
  const writer = new PacketWriter(1_000);
  const sender = { hi: 0, lo: 0 };
  writer.begin(PACKET_MAGIC, { clusterHash: 0, sender, generation: 0, incarnation: 0, digest: 0 });
  writer.alive({
    name,
    address: `${name}:1`,
    bootId: generation.toString(16).padStart(16, "0"),
    generation,
    incarnation,
    wireMin: 1,
    wireMax: 1,
    meta: new TextEncoder().encode(meta),
  });
  const reader = new PacketReader();
  reader.open(writer.finish(), PACKET_MAGIC);
  reader.next();
  reader.readAlive();
  return reader;
}

function enter(view: View, name: string, incarnation = 1): number {
  const { hi, lo } = idOf(name);
  const index = view.enter(hi, lo, { generation: 1, incarnation, rank: ALIVE });
  view.announce(index, alive(name, 1, incarnation));
  return index;
}

describe("a roster", () => {
  test("knows each id by one index, for as long as somebody holds it", () => {
    const roster = new Roster();
    const ids = ["a", "b", "c"].map(idOf);
    const indices = ids.map(({ hi, lo }) => roster.hold(hi, lo));
    expect(indices).toEqual([0, 1, 2]);
    const [a] = ids;
    if (a === undefined) return;
    expect(roster.hold(a.hi, a.lo)).toBe(0);
    roster.free(0);
    expect(roster.find(a.hi, a.lo)).toBe(0);
    roster.free(0);
    expect(roster.find(a.hi, a.lo)).toBe(NOBODY);
    expect(roster.hold(9, 9)).toBe(0);
    expect(() => roster.free(0)).not.toThrow();
    expect(() => roster.free(0)).toThrow("held before it is freed");
  });

  test("tells ids apart that differ in their upper half alone, in whatever order they go", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5), { minLength: 1 }), fc.array(fc.nat(5)), (his, gone) => {
        const roster = new Roster();
        const held = new Map(his.map((hi) => [hi, roster.hold(hi, 7)]));
        expect(new Set(held.values()).size).toBe(his.length);
        for (const hi of gone) {
          const index = held.get(hi);
          if (index === undefined) continue;
          held.delete(hi);
          roster.free(index);
          expect(roster.find(hi, 7)).toBe(NOBODY);
          for (const [other, at] of held) expect(roster.find(other, 7)).toBe(at);
        }
      }),
    );
  });

  test("keeps one announcement for all who hold the same", () => {
    const roster = new Roster();
    const views = [new View(roster, 4), new View(roster, 4)];
    const indices = views.map((view) => enter(view, "m"));
    expect(indices).toEqual([0, 0]);
    const [first, second] = views.map((view) => view.announcement(0));
    expect(first).toBe(second as typeof first);
    views[0]?.announce(0, alive("m", 1, 2));
    expect(views[0]?.announcement(0)?.incarnation).toBe(2);
    expect(views[1]?.announcement(0)?.incarnation).toBe(1);
    for (const view of views) view.forget(0);
    const { hi, lo } = idOf("m");
    expect(roster.find(hi, lo)).toBe(NOBODY);
  });
});

describe("a view", () => {
  test("counts the live, and forgets without a trace", () => {
    const view = new View(new Roster(), 1);
    const empty = view.digest;
    const indices = ["a", "b", "c", "d"].map((name) => enter(view, name));
    expect(view.live).toBe(4);
    const [a = 0, b = 0] = indices;
    view.set(a, { generation: 1, incarnation: 1, rank: SUSPECT });
    view.set(b, { generation: 1, incarnation: 1, rank: DEAD });
    expect(view.live).toBe(3);
    expect(view.info(a)).toMatchObject({ name: "a", state: "suspect", address: "a:1" });
    for (const index of indices) view.forget(index);
    expect([view.live, view.digest, view.rank(a)]).toEqual([0, empty, UNKNOWN]);
  });

  test("has the same digest for the same live members, however it came to them", () => {
    const step = fc.record({
      member: fc.nat(3),
      rank: fc.constantFrom<Rank>(ALIVE, SUSPECT, DEAD, LEFT),
      incarnation: fc.integer({ min: 1, max: 3 }),
    });
    const names = ["a", "b", "c", "d"];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const view = new View(new Roster(), 0);
        const last = new Map<number, (typeof steps)[number]>();
        for (const name of names) enter(view, name);
        for (const one of steps) {
          const { member, rank, incarnation } = one;
          view.set(member, { generation: 1, incarnation, rank });
          view.announce(member, alive(names[member] ?? "", 1, incarnation));
          last.set(member, one);
        }
        const fresh = new View(new Roster(), 9);
        for (const [member, name] of [...names.entries()].reverse()) {
          const { rank = ALIVE, incarnation = 1 } = last.get(member) ?? {};
          if (rank === ALIVE || rank === SUSPECT) enter(fresh, name, incarnation);
        }
        expect(view.digest).toBe(fresh.digest);
        expect(view.live).toBe(fresh.live);
      }),
    );
  });

  test("has another digest for another incarnation, generation or member", () => {
    const digests = [
      ["a", 1, 1],
      ["a", 1, 2],
      ["a", 2, 1],
      ["a", 2 ** 32 + 1, 1],
      ["b", 1, 1],
    ].map(([name, generation, incarnation]) => {
      const view = new View(new Roster(), 1);
      const index = enter(view, String(name));
      const standing = { generation: Number(generation), incarnation: Number(incarnation) };
      view.set(index, { ...standing, rank: ALIVE });
      view.announce(index, alive(String(name), standing.generation, standing.incarnation));
      return view.digest;
    });
    expect(new Set(digests).size).toBe(digests.length);
  });
});
