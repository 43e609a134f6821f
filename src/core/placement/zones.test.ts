import { expect, test } from "bun:test";
import fc from "fast-check";
import { spreadOverZones } from "./zones.ts";

const orders = fc
  .uniqueArray(fc.nat(99), { maxLength: 20 })
  .chain((nodes) => fc.tuple(...nodes.map((node) => fc.tuple(fc.constant(node), fc.nat(4)))))
  .map((pairs) =>
    pairs.map(([node, zone]) => ({ node: `n${node}`, zone: zone === 4 ? "" : `z${zone}` })),
  );

test("P5: a zone comes twice only when each has come once", () => {
  fc.assert(
    fc.property(orders, fc.nat(25), (members, count) => {
      const zoneOf = (node: string) => members.find((each) => each.node === node)?.zone ?? "";
      const order = members.map(({ node }) => node);
      const chosen = spreadOverZones(order, zoneOf, count);
      expect(chosen.length).toBe(Math.min(count, order.length));
      expect(new Set(chosen).size).toBe(chosen.length);
      const zones = new Set(members.map(({ zone, node }) => zone || node));
      const used = new Set(chosen.map((node) => zoneOf(node) || node));
      expect(used.size).toBe(Math.min(chosen.length, zones.size));
      if (count > 0 && order.length > 0) expect(chosen[0]).toBe(order[0] ?? "");
    }),
  );
});

test("P5: with as many zones as copies, the loss of any zone takes one copy", () => {
  const zones: Readonly<Record<string, string>> = { a: "x", b: "x", c: "y", d: "x", e: "z" };
  const zoneOf = (node: string) => zones[node] ?? "";
  expect(spreadOverZones(["a", "b", "c", "d", "e"], zoneOf, 3)).toEqual(["a", "c", "e"]);
  expect(spreadOverZones(["a", "b", "c", "d", "e"], zoneOf, 5)).toEqual(["a", "c", "e", "b", "d"]);
});

test("members without a zone are spread by nothing", () => {
  expect(spreadOverZones(["a", "b", "c"], () => "", 2)).toEqual(["a", "b"]);
});
