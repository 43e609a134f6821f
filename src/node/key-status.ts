import type { Statestore } from "../contract/index.ts";
import type { ResealProgress } from "./reseal-sweep.ts";
import type { KeyState, Sealer } from "./sealer.ts";

/** One key, and how many rows lie under it. */
export interface KeyRows {
  /** As rows name it, hexadecimal; "" for rows that are not encrypted. */
  readonly id: string;
  /** As configured; "" for rows that are not encrypted. */
  readonly name: string;
  /** `missing`: rows name it, and it is not given. */
  readonly state: KeyState | "missing";
  /** `undefined` if the store cannot count them. */
  readonly rows: number | undefined;
}

/** The keys of a node and its store. */
export interface KeyStatus {
  readonly encrypted: boolean;
  readonly keys: readonly KeyRows[];
  readonly resealing: ResealProgress;
}

/** Every configured key in its order, then those that only rows name. Reads the stores from end to end. */
export async function keyRows(
  stores: readonly Pick<Statestore, "resealing">[],
  sealer: Sealer,
): Promise<readonly KeyRows[]> {
  const counts = await countAll(stores);
  const given = (sealer.keys ?? []).map(({ id, name, state }): KeyRows => {
    const hex = id.toHex();
    return { id: hex, name, state, rows: counts && (counts.get(hex) ?? 0) };
  });
  const known = new Set(given.map(({ id }) => id));
  const others = [...(counts ?? [])].filter(([id, rows]) => !known.has(id) && rows > 0);
  return [
    ...given,
    ...others.map(([id, rows]): KeyRows => ({ id, name: nameOf(id), state: "missing", rows })),
  ];
}

/** Rows per key in all stores together; `undefined` if one of them cannot count. */
async function countAll(
  stores: readonly Pick<Statestore, "resealing">[],
): Promise<ReadonlyMap<string, number> | undefined> {
  const sums = new Map<string, number>();
  for (const { resealing } of stores) {
    if (resealing === undefined) return undefined;
    for (const [id, rows] of await resealing.countByKey()) sums.set(id, (sums.get(id) ?? 0) + rows);
  }
  return sums;
}

/** The name of a key from its id: up to eight ASCII characters, filled with zeros. */
export function nameOf(id: string): string {
  const bytes = Uint8Array.fromHex(id);
  const name = String.fromCharCode(...bytes.filter((byte) => byte !== 0));
  // Damaged rows may name anything.
  return /^[\x21-\x7e]*$/.test(name) ? name : `0x${id}`;
}
