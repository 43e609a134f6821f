import type {
  Activator,
  ActivatorCall,
  ActivatorHost,
  ActorId,
  Payload,
} from "../../../src/contract/index.ts";
import { ActorTemplate } from "../kit/actor-template.ts";
import { callFailure } from "../kit/call-failure.ts";
import { OutsideEvent, parseJson } from "../kit/outside-event.ts";
import { RunningCalls } from "../kit/running-calls.ts";
import { lastCronBefore } from "./last-cron.ts";

/** Options of one instance. */
export interface CronConfig {
  readonly schedule: string;
  readonly timeZone: string;
  readonly actor: string;
  readonly system: string;
  readonly action: string;
  readonly payload: string;
  readonly missed: "fire_once" | "skip";
  readonly timeout: number;
}

/** The wall clock is looked at again this often, as it may be set while a timer waits. */
const LONGEST_WAIT_MS = 60_000;

/** A fire this late is a missed one. */
const LATE_MS = 60_000;

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;

const EMPTY: Payload = { type: "", data: new Uint8Array(0) };

/**
 * Fires by a schedule. All nodes wait for the same time; whoever claims it makes the call, under a
 * request id made of the instance and the time, so that repeats have one effect. A fire that cannot
 * be made is repeated until the next one is due.
 */
export class CronActivator implements Activator {
  readonly #config: CronConfig;
  readonly #host: ActivatorHost;
  readonly #actor: ActorId;
  readonly #payload: Payload;
  readonly #running = new RunningCalls();
  #cancelTimer: (() => void) | undefined;
  #open = false;
  /** Ends the repeats of the fire before. */
  #giveUp: (() => void) | undefined;

  /** Throws on a schedule, time zone, actor or payload that cannot be read. */
  constructor(config: CronConfig, host: ActivatorHost) {
    this.#config = config;
    this.#host = host;
    this.#actor = readActor(config);
    this.#payload = readPayload(config.payload);
    if (config.action === "") throw new Error("action is empty");
    this.#nextAfter(host.clock.wallMs());
  }

  async start(): Promise<void> {
    this.#open = true;
    const now = this.#host.clock.wallMs();
    this.#wait(this.#nextAfter(now));
    if (this.#config.missed === "fire_once") void this.#running.track(this.#catchUp(now));
  }

  async pause(): Promise<void> {
    this.#open = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.pause();
    this.#giveUp?.();
    await this.#running.finish(signal);
  }

  /**
   * Makes the last fire before the start if no node made it. The first node that ever starts this
   * schedule only marks it: nothing was missed then.
   */
  async #catchUp(nowMs: number): Promise<void> {
    const due = lastCronBefore(nowMs, (afterMs) => this.#nextAfter(afterMs));
    if (due === undefined) return;
    try {
      // The due time is claimed first, so that of several first nodes only one asks the second.
      if (!(await this.#host.claimOnce(String(due)))) return;
      if (await this.#host.claimOnce(`first ${this.#config.timeZone} ${this.#config.schedule}`))
        return;
    } catch (error) {
      this.#host.log.warn("cron.catch_up_failed", { dueMs: due, code: callFailure(error).code });
      return;
    }
    this.#host.log.info("cron.missed", { dueMs: due, fired: true });
    this.#begin(due, true);
  }

  #wait(due: number | undefined): void {
    if (!this.#open || due === undefined) return;
    const waitMs = Math.min(due - this.#host.clock.wallMs(), LONGEST_WAIT_MS);
    this.#cancelTimer = this.#host.clock.setTimer(Math.max(0, waitMs), () => this.#look(due));
  }

  #look(due: number): void {
    const now = this.#host.clock.wallMs();
    if (now < due) {
      this.#wait(due);
      return;
    }
    // After a long sleep of the machine several are due: the latest stands for all of them.
    const following = this.#nextAfter(due);
    const several = following !== undefined && following <= now;
    const latest = several ? (lastCronBefore(now, (ms) => this.#nextAfter(ms)) ?? due) : due;
    const fires = this.#config.missed === "fire_once" || now - latest <= LATE_MS;
    if (fires) this.#begin(latest, false);
    else {
      this.#host.meter.count("missed_total");
      this.#host.log.info("cron.missed", { dueMs: latest, fired: false });
    }
    this.#wait(this.#nextAfter(now));
  }

  /** Starts the fire of `due`; repeats of the one before end. */
  #begin(due: number, claimed: boolean): void {
    this.#giveUp?.();
    const end = new AbortController();
    this.#giveUp = () => end.abort();
    void this.#running.track(this.#fire(due, claimed, end.signal));
  }

  async #fire(due: number, claimed: boolean, end: AbortSignal): Promise<void> {
    let mine = claimed;
    for (let attempt = 0; ; attempt += 1) {
      try {
        mine ||= await this.#host.claimOnce(String(due));
        if (!mine) return;
        await this.#host.invoke(this.#call(due), this.#running.signal);
        this.#host.meter.count("fires_total");
        this.#host.report("ok");
        return;
      } catch (error) {
        const { code, passing } = callFailure(error);
        if (passing && !end.aborted) await this.#pauseBetween(attempt, end);
        if (passing && !end.aborted) continue;
        this.#host.meter.count("given_up_total");
        this.#host.log.warn("cron.given_up", { dueMs: due, attempts: attempt + 1, code });
        this.#host.report("degraded", `the fire of ${due} was given up: ${code}`);
        return;
      }
    }
  }

  #call(due: number): ActivatorCall {
    return {
      actor: this.#actor,
      action: this.#config.action,
      payload: this.#payload,
      requestId: `cron-${this.#host.instance}-${due}`,
      metadata: { activator: this.#host.instance, "due-ms": String(due) },
      timeoutMs: this.#config.timeout,
    };
  }

  /** Doubles with each attempt, with a random half so that nodes do not come together. */
  #pauseBetween(attempt: number, end: AbortSignal): Promise<void> {
    const longest = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
    const delayMs = longest * (0.5 + this.#host.random.unit() / 2);
    return new Promise((resolve) => {
      const cancel = this.#host.clock.setTimer(delayMs, resolve);
      end.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }

  #nextAfter(afterMs: number): number | undefined {
    return this.#host.nextCron(this.#config.schedule, this.#config.timeZone, afterMs);
  }
}

function readActor(config: CronConfig): ActorId {
  const nothing = new OutsideEvent({ body: new Uint8Array(0) });
  const addressed = new ActorTemplate(config.actor, config.system).render(nothing);
  if (addressed.kind === "ok") return addressed.actor;
  throw new Error(`actor "${config.actor}" lacks ${addressed.what}`);
}

function readPayload(text: string): Payload {
  if (text === "") return EMPTY;
  if (parseJson(text) === undefined) throw new Error("payload is not JSON");
  return { type: "application/json", data: new TextEncoder().encode(text) };
}
