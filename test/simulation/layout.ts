import type { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import type { History } from "../../src/contract/index.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import { MAIN_STORE } from "../../src/node/store-rooms.ts";
import { Prng } from "../support/prng.ts";
import { Replication } from "../support/replication.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Marks } from "./marks.ts";
import type { Scheduler, SimProcess } from "./scheduler.ts";

const ACTORS: readonly ActorId[] = [
  { system: "sim", type: "counter", key: "a" },
  { system: "sim", type: "counter", key: "b" },
  { system: "sim", type: "counter", key: "c" },
  { system: "sim", type: "register", key: "x" },
  { system: "sim", type: "register", key: "y" },
];
/** Now and then a second system has a store of its own, with actors that are called alike. */
const FAR_ACTORS: readonly ActorId[] = [
  ...ACTORS.slice(0, 4),
  { system: "far", type: "counter", key: "a" },
  { system: "far", type: "register", key: "x" },
];
const FAR_STORE = "far";
const FAR_SHARE = 0.25;
const FAIL_OVER_SHARE = 0.1;
/** The replica hears of what was written at most this often. */
const LAG_MS = 1_000;
/** Sets these draws apart from those of the faults. */
const SALT = 0x5eed;

export interface LayoutOptions {
  readonly seed: number;
  readonly made: () => MemoryStatestore;
  /** Nothing goes wrong in this run. */
  readonly calm: boolean;
}

/** Which stores there are in a run, whose actors they hold, and whether one of them goes back. */
export class Layout {
  readonly actors: readonly ActorId[];
  /** By their names, the main one first. */
  readonly stores: ReadonlyMap<string, MemoryStatestore>;
  /** System → name of its own store. */
  readonly systems: Readonly<Record<string, string>>;
  /** A replica that lags takes over in this run: what was confirmed may be lost. */
  readonly failsOver: boolean;
  readonly #random: Prng;
  readonly #replication: Replication | undefined;

  constructor({ seed, made, calm }: LayoutOptions) {
    this.#random = new Prng(seed ^ SALT);
    const isFar = this.#random.unit() < FAR_SHARE;
    this.failsOver = !calm && this.#random.unit() < FAIL_OVER_SHARE;
    this.actors = isFar ? FAR_ACTORS : ACTORS;
    const main = made();
    const far = isFar ? ([[FAR_STORE, made()]] as const) : [];
    this.stores = new Map([[MAIN_STORE, main], ...far]);
    this.systems = isFar ? { far: FAR_STORE } : {};
    this.#replication = this.failsOver ? new Replication(main, made()) : undefined;
  }

  /** Where the past states of an actor are, as far as they can be told. */
  historyOf({ system }: ActorId): History | undefined {
    return this.failsOver
      ? undefined
      : this.stores.get(this.systems[system] ?? MAIN_STORE)?.history;
  }

  /** The replica follows, more or less, and takes over between the two times. */
  begin(
    scheduler: Scheduler,
    server: SimProcess,
    fromMs: number,
    untilMs: number,
    told: { readonly log: CommitLog; readonly marks: Marks },
  ): void {
    const replication = this.#replication;
    if (replication === undefined) return;
    const random = this.#random;
    const follow = (): void => {
      void replication.catchUp();
      scheduler.after(LAG_MS * random.unit(), server, follow);
    };
    follow();
    scheduler.after(fromMs + (untilMs - fromMs) * random.unit(), server, () => {
      replication.failOver();
      told.log.failedOver();
      told.marks.hit("store failed over");
    });
  }
}
