import type { Prng } from "../../support/prng.ts";

/** What is wrong with the network between two instants. Rates are shares of 1. */
export interface Weather {
  readonly baseMs: number;
  readonly jitterMs: number;
  /** Jitter is drawn from an exponential distribution instead of an even one. */
  readonly longTail: boolean;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly reorderMs: number;
  readonly datagramsBlocked: boolean;
  readonly streamsBlocked: boolean;
}

export const FAIR: Weather = {
  baseMs: 1,
  jitterMs: 2,
  longTail: false,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 0,
  datagramsBlocked: false,
  streamsBlocked: false,
};

/** Packets that a stream needs to get through, each of which may be lost, before it is given up. */
const STREAM_PACKETS = 4;

/** Directed links between members by number: who is cut off from whom, and what is lost on the way. */
export class Network {
  readonly #random: Prng;
  readonly #members: number;
  readonly #cut = new Set<number>();
  /** Members of different groups do not hear each other. */
  readonly #group: Uint16Array;
  readonly #lossIn: Float64Array;
  readonly #lossOut: Float64Array;
  weather = FAIR;

  constructor(random: Prng, members: number) {
    this.#random = random;
    this.#members = members;
    this.#group = new Uint16Array(members);
    this.#lossIn = new Float64Array(members);
    this.#lossOut = new Float64Array(members);
  }

  split(groups: readonly (readonly number[])[]): void {
    groups.forEach((group, i) => {
      for (const member of group) this.#group[member] = i;
    });
  }

  join(): void {
    this.#group.fill(0);
  }

  cut(from: number, to: number): void {
    this.#cut.add(from * this.#members + to);
  }

  mend(from: number, to: number): void {
    this.#cut.delete(from * this.#members + to);
  }

  loseOf(member: number, direction: "in" | "out", rate: number): void {
    (direction === "in" ? this.#lossIn : this.#lossOut)[member] = rate;
  }

  /** Whether anything of `from` can reach `to` at all. */
  connects(from: number, to: number): boolean {
    if (this.#group[from] !== this.#group[to]) return false;
    return this.#cut.size === 0 || !this.#cut.has(from * this.#members + to);
  }

  /** Whether the member is as well connected as the weather allows. */
  isWhole(member: number): boolean {
    return this.#lossIn[member] === 0 && this.#lossOut[member] === 0;
  }

  /** When the copies of a datagram arrive from now; none if it is lost. */
  datagram(from: number, to: number): readonly number[] {
    const { weather } = this;
    if (weather.datagramsBlocked || !this.connects(from, to) || this.#isLost(from, to)) return [];
    const isLate = weather.reorder > 0 && this.#random.unit() < weather.reorder;
    const delays = [this.latencyMs() + (isLate ? this.#random.below(weather.reorderMs) : 0)];
    if (weather.duplicate > 0 && this.#random.unit() < weather.duplicate) {
      delays.push(this.latencyMs() + this.#random.below(weather.reorderMs + 10));
    }
    return delays;
  }

  /** Whether a stream can be opened and carries a frame both ways. */
  stream(from: number, to: number): boolean {
    if (this.weather.streamsBlocked) return false;
    if (!this.connects(from, to) || !this.connects(to, from)) return false;
    const [there, back] = [this.#lossOf(from, to), this.#lossOf(to, from)];
    if (there === 0 && back === 0) return true;
    return this.#random.unit() < ((1 - there) * (1 - back)) ** (STREAM_PACKETS / 2);
  }

  latencyMs(): number {
    const { baseMs, jitterMs, longTail } = this.weather;
    const share = this.#random.unit();
    const jitter = longTail ? -Math.log(1 - share) * jitterMs : share * jitterMs;
    return baseMs + Math.floor(jitter);
  }

  #lossOf(from: number, to: number): number {
    const kept =
      (1 - this.weather.loss) * (1 - (this.#lossOut[from] ?? 0)) * (1 - (this.#lossIn[to] ?? 0));
    return 1 - kept;
  }

  #isLost(from: number, to: number): boolean {
    const loss = this.#lossOf(from, to);
    return loss > 0 && this.#random.unit() < loss;
  }
}
