import { xxHash64 } from "../../std/hash/xx-hash64.ts";
import type { Peers } from "../peers.ts";
import type { Clock, Logger } from "../ports.ts";

/** What the exchange of actor types is made of. */
export interface ServedTypesOptions {
  readonly bootId: string;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
  /** `system/type` of what hosts of this node serve now. */
  readonly served: () => readonly string[];
  /** Whether a type is known here, by whomever it is served. */
  readonly isKnown: (typePath: string) => boolean;
  /** Learns types from where they are recorded. */
  readonly learn: () => Promise<void>;
  /** This node serves other types than before. */
  readonly ownChanged: () => void;
  /** A member has told its types. */
  readonly told: (node: string) => void;
}

const TOPIC = "types";
/** Changes within this time of the first are told at once: a host registers type after type. */
const QUIET_MS = 50;
/** A type may be announced before it is recorded. */
const LEARN_AGAIN_MS = 300;
const LEARN_TRIES = 20;
const MOST_TYPES = 10_000;
const MOST_REMEMBERED = 1_024;
const NO_TYPES: ReadonlySet<string> = new Set();

/** Which member serves which actor types: told by each when it is linked and when they change. */
export class ServedTypes {
  readonly #options: ServedTypesOptions;
  readonly #others = new Map<
    string,
    { readonly boot: string; readonly types: ReadonlySet<string> }
  >();
  #own: ReadonlySet<string> = NO_TYPES;
  #members: readonly string[] = [];
  #stopQuiet: (() => void) | undefined;
  #stopLearn: () => void = () => undefined;
  #closed = false;

  constructor(options: ServedTypesOptions) {
    this.#options = options;
    options.peers.onMessage(TOPIC, (from, body) => this.#heard(from, body));
    options.peers.onLink((node, channel) => {
      if (channel === "control") this.#tell(node);
    });
  }

  /** What this node has told of itself. */
  get own(): ReadonlySet<string> {
    return this.#own;
  }

  /** Eight bytes that are other ones with other types. */
  get digest(): Uint8Array {
    const bytes = new TextEncoder().encode([...this.#own].sort().join("\n"));
    const { hi, lo } = xxHash64(bytes);
    const digest = new DataView(new ArrayBuffer(8));
    digest.setInt32(0, hi);
    digest.setInt32(4, lo);
    return new Uint8Array(digest.buffer);
  }

  /** What the process of a member serves; `undefined` until it has told. */
  of(node: string, boot: string): ReadonlySet<string> | undefined {
    const known = this.#others.get(node);
    return known?.boot === boot ? known.types : undefined;
  }

  /** Who is to be told. What others have said stays known: one that was thought dead may be well. */
  setMembers(members: readonly string[]): void {
    this.#members = members;
    for (const node of this.#others.keys()) {
      if (this.#others.size <= MOST_REMEMBERED) return;
      if (!members.includes(node)) this.#others.delete(node);
    }
  }

  /** Hosts have come, gone or changed their types. */
  touch(): void {
    if (this.#closed) return;
    this.#stopQuiet ??= this.#options.clock.setTimer(QUIET_MS, () => {
      this.#stopQuiet = undefined;
      this.#announce();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stopQuiet?.();
    this.#stopLearn();
  }

  #announce(): void {
    const own = new Set(this.#options.served());
    if (own.size === this.#own.size && [...own].every((type) => this.#own.has(type))) return;
    this.#own = own;
    this.#options.ownChanged();
    for (const node of this.#members) this.#tell(node);
  }

  /** A member without a link is told when there is one. */
  #tell(node: string): void {
    const { peers, bootId } = this.#options;
    const said = JSON.stringify({ boot: bootId, types: [...this.#own] });
    peers.cast(node, "control", TOPIC, new TextEncoder().encode(said));
  }

  #heard(from: string, body: Uint8Array): void {
    const said = parsed(body);
    if (said === undefined) return this.#options.log.warn("peer.bad_types", { peer: from });
    this.#others.set(from, said);
    this.#options.told(from);
    this.#learn(LEARN_TRIES);
  }

  /** Asks where types are recorded until every type that is served anywhere is known. */
  #learn(tries: number): void {
    const { isKnown, learn, clock, log } = this.#options;
    const unknown = (): boolean =>
      [...this.#others.values()].some(({ types }) => [...types].some((type) => !isKnown(type)));
    if (this.#closed || !unknown()) return;
    this.#stopLearn();
    learn()
      .catch((error: unknown) => log.warn("types.not_learned", { error }))
      .finally(() => {
        if (this.#closed || tries <= 1 || !unknown()) return;
        this.#stopLearn = clock.setTimer(LEARN_AGAIN_MS, () => this.#learn(tries - 1));
      });
  }
}

function parsed(body: Uint8Array) {
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof said !== "object" || said === null) return undefined;
    const { boot, types } = said as { readonly boot?: unknown; readonly types?: unknown };
    if (typeof boot !== "string" || !Array.isArray(types) || types.length > MOST_TYPES) {
      return undefined;
    }
    return {
      boot,
      types: new Set(types.filter((type): type is string => typeof type === "string")),
    };
  } catch {
    return undefined;
  }
}
