import type { Statestore } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";
import { type RoomOptions, StoreRoom } from "./store-room.ts";

/** The name of the store that serves every system without one of its own. */
export const MAIN_STORE = "default";

/** Further stores by their names, and the systems that have them. */
export interface FurtherStores {
  readonly stores: ReadonlyMap<string, Statestore>;
  /** System → name of its store. */
  readonly systems: Readonly<Record<string, string>>;
}

const EXIT_CONFIGURATION = 78;

/** The rooms of a node: one for each statestore, and which system lives in which. */
export class StoreRooms {
  /** The room of every system that is given no other. */
  readonly main: StoreRoom;
  /** All rooms, the main one first. */
  readonly all: readonly StoreRoom[];
  readonly #bySystem: ReadonlyMap<string, StoreRoom>;
  readonly #bootId: string;

  constructor(store: Statestore, further: FurtherStores | undefined, options: RoomOptions) {
    const others = [...(further?.stores ?? [])].map(
      ([name, other]) => new StoreRoom(name, other, options),
    );
    this.main = new StoreRoom(MAIN_STORE, store, options);
    this.all = [this.main, ...others];
    this.#bootId = options.bootId;
    const byName = new Map(this.all.map((room) => [room.name, room]));
    this.#bySystem = new Map(
      Object.entries(further?.systems ?? {}).map(([system, name]) => [
        system,
        byName.get(name) ?? this.main,
      ]),
    );
  }

  /** Where the actors of a system live. */
  of(system: string): StoreRoom {
    return this.#bySystem.get(system) ?? this.main;
  }

  /** The systems that a room was given by name; all others are the main one's. */
  systemsOf(room: StoreRoom): readonly string[] {
    return [...this.#bySystem].filter(([, each]) => each === room).map(([system]) => system);
  }

  /** Opens a session in every store; rejects if one cannot be reached, or is two of them at once. */
  async open(): Promise<void> {
    for (const room of this.all) {
      if (room !== this.main) await this.#checkTwin(room);
      await room.sessions.start();
    }
  }

  /** Two names for one database would take its session from each other for ever. */
  async #checkTwin(room: StoreRoom): Promise<void> {
    const rows = await room.store.sessions.list();
    if (!rows.some(({ state, bootId }) => state === "up" && bootId === this.#bootId)) return;
    const message = `the statestore ${room.name} is the database of another one: give each its own`;
    throw new ServerError("request.invalid", message, "not_applied", {
      reason: "conflict",
      exitCode: EXIT_CONFIGURATION,
    });
  }
}
