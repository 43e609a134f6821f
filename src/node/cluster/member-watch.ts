import type { Discovery } from "../../contract/index.ts";
import type { SwimEvent } from "../../core/swim/effects.ts";
import type { MemberInfo } from "../../core/swim/member.ts";
import type { SwimGauges } from "../../core/swim/swim.ts";
import { MembershipDriver, type MembershipOptions } from "../membership-driver.ts";
import type { PeerPlace } from "./cluster-parts.ts";

/** What the watch over members is made of. */
export interface MemberWatchOptions extends Omit<MembershipOptions, "local" | "event"> {
  readonly name: string;
  readonly bootId: string;
  readonly discovery: Discovery;
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly meta: () => Uint8Array;
  readonly event: (event: SwimEvent) => void;
  /** Members of before a new beginning that have not been heard of since. */
  readonly missed: (present: ReadonlySet<string>) => void;
}

/** How often sources are asked for members, before and after one has answered. */
const SEEK_MS = 1_000;
const SEEK_JOINED_MS = 30_000;
const SEEK_TIMEOUT_MS = 10_000;
/** How long members have to answer after this node began anew. */
const RETURN_MS = 10_000;

/**
 * Membership under the session of the moment: it begins anew, under a new generation, when the session
 * was fenced. Looks for members all the while.
 */
export class MemberWatch {
  readonly #options: MemberWatchOptions;
  #place: PeerPlace | undefined;
  #driver: MembershipDriver | undefined;
  #generation = 0;
  #beginning: Promise<void> = Promise.resolve();
  #stopSeek: () => void = () => undefined;
  #stopReturn: () => void = () => undefined;
  #seeking: AbortController | undefined;
  #stopped = false;

  constructor(options: MemberWatchOptions) {
    this.#options = options;
  }

  get members(): readonly MemberInfo[] {
    return this.#driver?.members ?? [];
  }

  get gauges(): SwimGauges | undefined {
    return this.#driver?.gauges;
  }

  get health(): number {
    return this.#driver?.health ?? 0;
  }

  /** The session that others know this process by. */
  get generation(): number {
    return this.#generation;
  }

  /** Begins at the place under the generation; rejects if the port cannot be bound. */
  async start(place: PeerPlace, generation: number): Promise<void> {
    this.#place = place;
    await this.#begin(generation, []);
    this.#seek();
  }

  /** The session is another one: what was said under the former is over. */
  restart(generation: number): void {
    if (this.#place === undefined || this.#stopped || generation === this.#generation) return;
    this.#beginning = this.#beginning.then(async () => {
      if (this.#stopped || generation === this.#generation) return;
      const seeds = this.members.map(({ address }) => address);
      this.#driver?.stop();
      await this.#begin(generation, seeds);
      this.#awaitReturn();
    });
    this.#beginning.catch((error: unknown) =>
      this.#options.log.error("membership.not_restarted", { error }),
    );
  }

  request(frame: Uint8Array): Uint8Array | undefined {
    return this.#driver?.request(frame);
  }

  /** What this node says of itself has changed. */
  say(): void {
    this.#driver?.setMeta(this.#options.meta());
  }

  /** Says farewell; resolves when it has been told. */
  async leave(): Promise<void> {
    this.#endSeek();
    await this.#beginning.catch(() => undefined);
    await this.#driver?.leave();
  }

  stop(): void {
    this.#stopped = true;
    this.#endSeek();
    this.#stopReturn();
    this.#driver?.stop();
  }

  async #begin(generation: number, seeds: readonly string[]): Promise<void> {
    const { name, bootId, meta, event, log } = this.#options;
    const place = this.#place;
    if (place === undefined) return;
    const { host, port, address } = place;
    const driver: MembershipDriver = new MembershipDriver({
      ...this.#options,
      local: { name, address, bootId, generation, meta: meta() },
      event: (happened) => {
        if (this.#driver === driver) event(happened);
      },
    });
    this.#driver = driver;
    this.#generation = generation;
    await driver.start(host, port, this.#others(seeds));
    log.info("membership.begun", { address, generation });
  }

  #awaitReturn(): void {
    this.#stopReturn();
    this.#stopReturn = this.#options.clock.setTimer(RETURN_MS, () =>
      this.#options.missed(new Set(this.members.map(({ name }) => name))),
    );
  }

  #others(addresses: readonly string[]): readonly string[] {
    return addresses.filter((address) => address !== this.#place?.address);
  }

  #endSeek(): void {
    this.#stopSeek();
    this.#seeking?.abort();
  }

  #seek(): void {
    if (this.#stopped) return;
    const { clock, log } = this.#options;
    const seeking = new AbortController();
    this.#seeking = seeking;
    const stopTimeout = clock.setTimer(SEEK_TIMEOUT_MS, () => seeking.abort());
    void this.#find(seeking.signal)
      .then(
        (found) => {
          if (found.length > 0 && !seeking.signal.aborted) this.#driver?.addSeeds(found);
        },
        (error: unknown) => log.info("discovery.failed", { error }),
      )
      .finally(() => {
        stopTimeout();
        if (this.#stopped) return;
        const joined = this.#driver?.joined ?? false;
        this.#stopSeek = clock.setTimer(joined ? SEEK_JOINED_MS : SEEK_MS, () => this.#seek());
      });
  }

  async #find(signal: AbortSignal): Promise<readonly string[]> {
    const { discovery, resolve } = this.#options;
    const seeds = await discovery.find(signal);
    const found = await Promise.all(
      seeds.map(async ({ host, port }) => {
        // A name that is unknown now may be known later; the others are no worse for it.
        const addresses = await resolve(host).catch(() => []);
        return addresses.map((address) => addressText(address, port));
      }),
    );
    return this.#others([...new Set(found.flat())]);
  }
}

/** `host:port`, an address with colons in brackets. */
export function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
