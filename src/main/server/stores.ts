import type { Statestore } from "../../contract/index.ts";
import { ServerError } from "../../domain/error.ts";
import { MAIN_STATESTORE } from "../../kernel/families.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Settings } from "../../kernel/settings.ts";
import { checkKeys } from "../../node/check-keys.ts";
import type { Logger } from "../../node/ports.ts";
import type { Sealer } from "../../node/sealer.ts";
import { selfTestStatestore } from "../../node/statestore-self-test.ts";
import type { StoreRoom } from "../../node/store-room.ts";
import type { FurtherStores, StoreRooms } from "../../node/store-rooms.ts";

/** The statestores of a node as the kernel has made them. */
export interface MadeStores {
  readonly store: Statestore;
  readonly further: FurtherStores;
}

/** Sorts the statestores that were created; exactly one is the main one. */
export function madeStores(kernel: Kernel, { systems }: Settings): MadeStores {
  const byInstance = new Map(
    kernel.all("statestore@1").map(({ instance, component }) => [instance, component]),
  );
  const store = byInstance.get(MAIN_STATESTORE) ?? kernel.one("statestore@1");
  byInstance.delete(MAIN_STATESTORE);
  return { store, further: { stores: byInstance, systems } };
}

/**
 * What must be true of every store before anything is served: the keys fit, the fence holds, and no
 * system has its actors elsewhere. Answers what the stores are, for people.
 */
export async function prepareStores(
  rooms: StoreRooms,
  sealer: Sealer,
  bootId: string,
  log: Logger,
): Promise<string> {
  const texts: string[] = [];
  for (const room of rooms.all) {
    await checkKeys(room.store, sealer, log.child({ store: room.name }));
    await selfTestStatestore(room.store, bootId);
    const text = await room.store.describe();
    texts.push(room === rooms.main ? text : `${room.name}: ${text}`);
  }
  for (const room of rooms.all) await checkSystems(rooms, room);
  return texts.join("; ");
}

const EXIT_CONFIGURATION = 78;

/**
 * A system whose actors lie in one store and which is given another would begin from nothing there,
 * and nobody would be told. Rejects then; with actors in both, the configured store counts.
 */
async function checkSystems(rooms: StoreRooms, room: StoreRoom): Promise<void> {
  if (rooms.all.length === 1) return;
  const systems = new Set((await room.store.types.list()).map(({ system }) => system));
  for (const system of systems) {
    const home = rooms.of(system);
    if (home === room || !(await holds(room, system)) || (await holds(home, system))) continue;
    const message =
      `system ${system} is given the statestore ${home.name}, but its actors are in ${room.name}: ` +
      "move them first, or leave it there";
    throw new ServerError("request.invalid", message, "not_applied", {
      reason: "system_elsewhere",
      exitCode: EXIT_CONFIGURATION,
    });
  }
}

/** Whether a store has an actor of the system; one that cannot be searched is taken to have one. */
async function holds({ store }: StoreRoom, system: string): Promise<boolean> {
  if (store.search === undefined) return true;
  return (await store.search.list({ system, limit: 1 })).length > 0;
}

/** How the stores stand, for `/statusz`. */
export function storeStatus(rooms: StoreRooms) {
  return rooms.all.map((room) => ({
    name: room.name,
    systems: rooms.systemsOf(room),
    state: stateOf(room),
    session: room.sessions.current,
    lease_margin_ms: Math.round(room.sessions.marginMs),
  }));
}

/** One word for how a store stands. */
export function stateOf({ regressed, reachable }: StoreRoom): "ok" | "unreachable" | "regressed" {
  if (regressed) return "regressed";
  return reachable ? "ok" : "unreachable";
}
