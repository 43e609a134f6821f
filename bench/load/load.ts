/**
 * One load process: keeps calls under way against a server, checks every answer and prints what it
 * measured as a line of JSON. Started by `runLoad`; its one argument is `LoadOptions` as JSON.
 */
import { cpuMs, mainCpuMs } from "../support/process-figures.ts";
import { type PreparedCall, prepareCall, replyText } from "./calls.ts";
import { Http1Lane, Http2Lane, type Lane } from "./lanes.ts";
import type { LoadOptions, LoadResult } from "./load-options.ts";
import { Tally } from "./tally.ts";

interface Counted {
  readonly atMs: number;
  readonly cpuMs: readonly number[];
  readonly mainCpuMs: number;
  readonly ownCpuMs: number;
}

const WARM_CALLS = 30_000;
const WARM_STEP_MS = 100;

class Load {
  readonly #options: LoadOptions;
  readonly #tally: Tally;
  readonly #lanes: readonly Lane[];
  readonly #calls: readonly PreparedCall[];
  #fresh = 0;
  #random = 12_345;
  #running = true;
  #counting = false;
  #underWay = 0;
  #answered = 0;
  #left: number;
  #idle: (() => void) | undefined;

  constructor(options: LoadOptions) {
    const { http, port, connections, keys, check, calls } = options;
    this.#options = options;
    this.#tally = new Tally(check === "count");
    this.#left = calls === 0 ? Number.POSITIVE_INFINITY : calls;
    this.#lanes = Array.from({ length: connections }, () =>
      http === 1 ? new Http1Lane(port) : new Http2Lane(port),
    );
    this.#calls = Array.from({ length: keys }, (_, index) =>
      prepareCall(options, this.#key(index), "1"),
    );
  }

  async run(): Promise<LoadResult> {
    const { http, inFlight, warmMs, runMs, calls } = this.#options;
    const perLane = http === 1 ? 1 : inFlight;
    if (warmMs === 0) this.#counting = true;
    const early = this.#mark();
    for (const lane of this.#lanes) for (let i = 0; i < perLane; i += 1) this.#next(lane);
    for (let warm = 0; warm < warmMs || (this.#cold && warm < 4 * warmMs); warm += WARM_STEP_MS) {
      await pause(WARM_STEP_MS);
    }
    const begun = warmMs > 0 ? this.#mark() : early;
    this.#counting = true;
    if (calls === 0) await pause(runMs);
    else await this.#drained();
    this.#counting = false;
    const ended = this.#mark();
    const counted = this.#tally.latencies.length;
    this.#running = false;
    await this.#drained();
    if (this.#options.check === "count" && this.#options.keys > 0) await this.#verify();
    for (const lane of this.#lanes) lane.close();
    return {
      calls: counted,
      elapsedMs: ended.atMs - begun.atMs,
      wrong: this.#tally.wrong,
      firstWrong: this.#tally.firstWrong,
      p50Ms: this.#tally.quantile(0.5),
      p99Ms: this.#tally.quantile(0.99),
      cpuMs: ended.cpuMs.map((ms, index) => ms - (begun.cpuMs[index] ?? 0)),
      mainCpuMs: ended.mainCpuMs - begun.mainCpuMs,
      ownCpuMs: ended.ownCpuMs - begun.ownCpuMs,
    };
  }

  /** Too little has been called for the server's hot code to be compiled. */
  get #cold(): boolean {
    return this.#answered < WARM_CALLS;
  }

  #key(index: number): string {
    return `${this.#options.prefix}${index}`;
  }

  #next(lane: Lane): void {
    if (!this.#running || this.#left === 0) return;
    this.#left -= 1;
    const { keys } = this.#options;
    let index = this.#fresh;
    if (keys === 0) {
      this.#fresh += 1;
    } else {
      this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      index = (this.#random >>> 8) % keys;
    }
    const key = this.#key(index);
    this.#call(lane, this.#calls[index] ?? prepareCall(this.#options, key, "1"), key);
  }

  #call(lane: Lane, prepared: PreparedCall, key: string): void {
    const begun = performance.now();
    this.#underWay += 1;
    lane.call(prepared, (body) => {
      const text = body === undefined ? undefined : replyText(this.#options, body);
      this.#tally.answered(key, text, performance.now() - begun, this.#counting);
      this.#underWay -= 1;
      this.#answered += 1;
      this.#next(lane);
      if (this.#underWay === 0) this.#idle?.();
    });
  }

  /** Adds nothing to every actor: the count that it answers must be what it acknowledged. */
  async #verify(): Promise<void> {
    const left = [...this.#tally.expected];
    const check = async (lane: Lane): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [key, expected] = next;
        const prepared = prepareCall(this.#options, key, "0");
        const body = await new Promise<Uint8Array | undefined>((resolve) =>
          lane.call(prepared, resolve),
        );
        const text = body === undefined ? "nothing" : replyText(this.#options, body);
        if (Number(text) !== expected) {
          this.#tally.complain(`${key} counts ${text} after ${expected} acknowledged calls`);
        }
      }
    };
    await Promise.all(this.#lanes.map(check));
  }

  #drained(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #mark(): Counted {
    const { user, system } = process.cpuUsage();
    const [first] = this.#options.pids;
    return {
      mainCpuMs: first === undefined ? 0 : mainCpuMs(first),
      atMs: performance.now(),
      cpuMs: this.#options.pids.map(cpuMs),
      ownCpuMs: (user + system) / 1000,
    };
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const load = new Load(JSON.parse(process.argv[2] ?? "{}") as LoadOptions);
console.log(JSON.stringify(await load.run()));
process.exit(0);
