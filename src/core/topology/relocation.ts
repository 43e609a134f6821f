import { type ActorId, actorPath } from "../../domain/actor.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type { ProtocolRange } from "../../domain/member.ts";
import type { Topology } from "../../domain/topology.ts";
import type { Candidates } from "../placement/candidates.ts";
import type { Demand } from "../placement/fitness.ts";
import { refuseDrain, refuseMigrate } from "./refusals.ts";
import type {
  LocalActor,
  MoveOutcome,
  RelocationEffect,
  RelocationInput,
  RelocationTimer,
} from "./relocation-effects.ts";
import { moveLimit, shareOf } from "./shares.ts";
import type { TopologyQueue } from "./topology-queue.ts";

/** How actors are asked whether they may move. Times in milliseconds. */
export interface ConsentOptions {
  /** An actor that is silent for so long has deferred. */
  readonly timeoutMs: number;
  /** An actor that deferred is asked again after this time. */
  readonly retryMs: number;
  /** An actor that has deferred for so long is moved all the same. */
  readonly maxDeferMs: number;
}

/** What the moves of one system's actors need to know. */
export interface RelocationOptions {
  /** Node id of this node. */
  readonly self: string;
  /** Versions of the peer protocol that this node speaks. */
  readonly speaks: ProtocolRange;
  readonly candidates: Pick<Candidates, "owner" | "moves">;
  readonly queue: Pick<TopologyQueue, "topology" | "decision" | "busy">;
  /** Moves begun per second at most. */
  readonly perSecond: number;
  /** Without it no actor is asked. */
  readonly consent: ConsentOptions | undefined;
}

/** Moves begun per second and node, by default. */
export const MOVES_PER_SECOND = 200;

const WAVE_MS = 250;
/** Actors that are looked at in one wave, so that no wave takes long. */
const SCANNED_PER_WAVE = 5_000;
/** After which a move that was refused is tried again while the node drains. */
const REFUSED_RETRY_MS = 1_000;

type Forced = Extract<RelocationEffect, { readonly kind: "move" }>["forced"];

interface Move {
  readonly actor: ActorId;
  readonly demand: Demand | undefined;
  readonly to: string;
  readonly forced: boolean;
}

interface Waiting extends LocalActor {
  /** When it was first asked. */
  readonly firstMs: number;
  /** When its silence is a deferral, or when it is asked again. */
  readonly untilMs: number;
  readonly asked: boolean;
}

/**
 * Actors that leave this node, as a machine without clock or promise: by waves of a bounded rate, each
 * only as far as the moves of the one before have ended. `step` takes what happened and returns what to
 * do, in order.
 */
export class Relocation {
  readonly #options: RelocationOptions;
  readonly #perWave: number;
  #effects: RelocationEffect[] = [];
  #nowMs = 0;
  #plan: "none" | "rebalance" | "drain" = "none";
  #actors: readonly LocalActor[] = [];
  #at = 0;
  /** Moves that a rebalance may still begin, by actor type. */
  #limits = new Map<string, number>();
  readonly #moving = new Map<string, Move>();
  readonly #waiting = new Map<string, Waiting>();
  #waveToken = 0;
  #deadlineToken = 0;
  #tokens = 0;
  #moved = 0;
  #forced = 0;
  #failed = 0;

  constructor(options: RelocationOptions) {
    this.#options = options;
    this.#perWave = Math.max(1, Math.floor((options.perSecond * WAVE_MS) / 1_000));
  }

  /** True until everything has been given away or the drain is taken back. */
  get draining(): boolean {
    return this.#plan === "drain";
  }

  step(input: RelocationInput, nowMs: number): readonly RelocationEffect[] {
    this.#effects = [];
    this.#nowMs = nowMs;
    this.#dispatch(input);
    return this.#effects;
  }

  #dispatch(input: RelocationInput): void {
    switch (input.kind) {
      case "rebalance":
        return this.#rebalance(input.before, input.after, input.actors);
      case "drain":
        return this.#drain(input.actors, input.deadlineMs);
      case "undrain":
        if (this.#plan === "drain") this.#abandon();
        return;
      case "migrate":
        return this.#migrate(input.actor, input.active, input.to, input.pin);
      case "consent":
        return this.#consent(input.actor, input.answer === "ready");
      case "ready":
        return this.#consent(input.actor, true);
      case "moved":
        return this.#ended(input.actor, input.outcome);
      case "ended":
        return this.#ended(input.actor, undefined);
      case "timer":
        return this.#timer(input.timer);
    }
  }

  #rebalance(before: Topology, after: Topology, actors: readonly LocalActor[]): void {
    // A drain gives everything away to whoever there is by now.
    if (this.#plan === "drain") return;
    if (!this.#options.candidates.moves) {
      this.#effects.push({ kind: "rebalanced", moved: 0, failed: 0 });
      return;
    }
    this.#limits = this.#newLimits(before, after, actors);
    if (this.#plan === "none") this.#moved = this.#failed = 0;
    this.#plan = "rebalance";
    this.#begin(actors);
  }

  /** What the plan before had left to move is still to be moved. */
  #newLimits(
    before: Topology,
    after: Topology,
    actors: readonly LocalActor[],
  ): Map<string, number> {
    const { self, speaks } = this.#options;
    const counts = new Map<string, number>();
    const demands = new Map<string, Demand>();
    for (const { demand } of actors) {
      counts.set(demand.typePath, (counts.get(demand.typePath) ?? 0) + 1);
      demands.set(demand.typePath, demand);
    }
    const limits = new Map<string, number>();
    for (const [typePath, demand] of demands) {
      const local = counts.get(typePath) ?? 0;
      const shares = [before, after].map((each) => shareOf(self, demand, each, speaks));
      const limit = moveLimit(local, shares[0] ?? 0, shares[1] ?? 0);
      limits.set(typePath, Math.min(local, limit + (this.#limits.get(typePath) ?? 0)));
    }
    return limits;
  }

  #drain(actors: readonly LocalActor[], deadlineMs: number): void {
    const reason = refuseDrain(this.#options, this.draining);
    if (reason !== undefined) {
      this.#effects.push({ kind: "refused", what: "drain", reason });
      return;
    }
    this.#plan = "drain";
    this.#moved = this.#forced = this.#failed = 0;
    this.#deadlineToken = this.#later("deadline", deadlineMs);
    this.#begin(actors);
  }

  #begin(actors: readonly LocalActor[]): void {
    this.#actors = actors;
    this.#at = 0;
    this.#wave();
  }

  #abandon(): void {
    this.#plan = "none";
    this.#actors = [];
    this.#limits.clear();
    this.#waiting.clear();
    this.#waveToken = this.#deadlineToken = 0;
  }

  #migrate(actor: ActorId, active: boolean, to: string, pin: boolean): void {
    const path = actorPath(actor);
    const reason = refuseMigrate(this.#options, active && !this.#moving.has(path), to);
    if (reason !== undefined) {
      this.#effects.push({ kind: "refused", what: "migrate", reason });
      return;
    }
    this.#waiting.delete(path);
    // First everybody knows where it belongs, or the next wave elsewhere would send it back.
    if (pin) this.#effects.push({ kind: "pin", actor, to });
    this.#move({ actor, demand: undefined, to, forced: false }, undefined);
  }

  #wave(): void {
    this.#waveToken = 0;
    if (this.#plan === "none") return;
    let room = this.#perWave - this.#moving.size - this.#asked();
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.untilMs > this.#nowMs) continue;
      if (waiting.asked) this.#defer(waiting);
      else if (room > 0) {
        room -= 1;
        this.#again(waiting);
      }
    }
    this.#scan(room);
    if (this.#isDone()) this.#finish();
    else this.#waveToken = this.#later("wave", WAVE_MS);
  }

  #asked(): number {
    let asked = 0;
    for (const each of this.#waiting.values()) if (each.asked) asked += 1;
    return asked;
  }

  /** Looks for actors that belong elsewhere until `room` of them are on their way. */
  #scan(room: number): void {
    const end = Math.min(this.#actors.length, this.#at + SCANNED_PER_WAVE);
    let left = room;
    for (; left > 0 && this.#at < end; this.#at += 1) {
      const local = this.#actors[this.#at];
      if (local === undefined || this.#isUnderWay(local.actor)) continue;
      if (this.#take(local)) left -= 1;
    }
  }

  #isUnderWay(actor: ActorId): boolean {
    const path = actorPath(actor);
    return this.#moving.has(path) || this.#waiting.has(path);
  }

  /** Begins with one actor if it is to go; false if it stays. */
  #take(local: LocalActor): boolean {
    const { typePath } = local.demand;
    const limit = this.#plan === "drain" ? Infinity : (this.#limits.get(typePath) ?? 0);
    if (limit <= 0 || !this.#belongsElsewhere(local)) return false;
    if (this.#plan === "rebalance") this.#limits.set(typePath, limit - 1);
    if (this.#options.consent === undefined) this.#send(local, undefined);
    else this.#ask(local, this.#nowMs);
    return true;
  }

  #belongsElsewhere({ actor, demand }: LocalActor): boolean {
    const { candidates, self } = this.#options;
    const owner = candidates.owner(actor, demand);
    return this.#plan === "drain" || (owner !== undefined && owner !== self);
  }

  #ask(local: LocalActor, firstMs: number): void {
    const untilMs = this.#nowMs + (this.#options.consent?.timeoutMs ?? 0);
    this.#waiting.set(actorPath(local.actor), { ...local, firstMs, untilMs, asked: true });
    this.#effects.push({ kind: "ask", actor: local.actor });
  }

  /** An actor that deferred, or was refused elsewhere, has its next turn. */
  #again(waiting: Waiting): void {
    const { consent } = this.#options;
    this.#waiting.delete(actorPath(waiting.actor));
    if (!this.#belongsElsewhere(waiting)) return;
    if (consent === undefined) return this.#send(waiting, undefined);
    const tooLong = this.#nowMs - waiting.firstMs >= consent.maxDeferMs;
    if (tooLong) this.#send(waiting, "deferred-too-long");
    else this.#ask(waiting, waiting.firstMs);
  }

  #consent(actor: ActorId, ready: boolean): void {
    const waiting = this.#waiting.get(actorPath(actor));
    if (waiting === undefined) return;
    if (!ready) return waiting.asked ? this.#defer(waiting) : undefined;
    this.#waiting.delete(actorPath(actor));
    if (this.#belongsElsewhere(waiting)) this.#send(waiting, undefined);
  }

  #defer(waiting: Waiting): void {
    const { consent } = this.#options;
    const againMs = this.#nowMs + (consent?.retryMs ?? REFUSED_RETRY_MS);
    const lastMs = waiting.firstMs + (consent?.maxDeferMs ?? Infinity);
    const untilMs = Math.min(againMs, Math.max(lastMs, this.#nowMs));
    this.#waiting.set(actorPath(waiting.actor), { ...waiting, asked: false, untilMs });
    this.#hook({ name: "migration_deferred", payload: { actors: [waiting.actor] } });
  }

  #send({ actor, demand }: LocalActor, forced: Forced): void {
    const { candidates, self } = this.#options;
    const to = candidates.owner(actor, demand);
    if (to !== undefined && to !== self) {
      return this.#move({ actor, demand, to, forced: forced !== undefined }, forced);
    }
    this.#forced += 1;
    this.#effects.push({ kind: "release", actor });
  }

  #move(move: Move, forced: Forced): void {
    this.#moving.set(actorPath(move.actor), move);
    this.#effects.push({ kind: "move", actor: move.actor, to: move.to, forced });
  }

  /** A move has ended, or the actor by itself (`undefined`). */
  #ended(actor: ActorId, outcome: MoveOutcome | undefined): void {
    const path = actorPath(actor);
    const move = this.#moving.get(path);
    this.#moving.delete(path);
    if (outcome === undefined) this.#waiting.delete(path);
    if (move !== undefined && outcome === "moved") this.#completed(move);
    else if (move !== undefined && outcome !== undefined) this.#notMoved(move);
    if (this.#plan !== "none" && this.#isDone()) this.#finish();
  }

  #completed({ forced, demand }: Move): void {
    if (demand === undefined) return;
    if (forced) this.#forced += 1;
    else this.#moved += 1;
  }

  /** A rebalance leaves it for another time; a drain tries again until its deadline. */
  #notMoved({ actor, demand }: Move): void {
    if (demand === undefined) return;
    if (this.#plan !== "drain") {
      this.#failed += 1;
    } else if (this.#deadlineToken === 0) {
      this.#forced += 1;
      this.#effects.push({ kind: "release", actor });
    } else {
      const untilMs = this.#nowMs + REFUSED_RETRY_MS;
      const waiting = { actor, demand, firstMs: this.#nowMs, untilMs, asked: false };
      this.#waiting.set(actorPath(actor), waiting);
    }
  }

  #timer({ kind, token }: RelocationTimer): void {
    if (kind === "wave" && token === this.#waveToken) this.#wave();
    else if (kind === "deadline" && token === this.#deadlineToken) this.#overdue();
  }

  /** The drain's time is over: what is left goes now, asked or not. */
  #overdue(): void {
    this.#deadlineToken = 0;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const rest = this.#actors.slice(this.#at).filter(({ actor }) => !this.#isUnderWay(actor));
    this.#at = this.#actors.length;
    for (const local of [...waiting, ...rest]) {
      if (!this.#moving.has(actorPath(local.actor))) this.#send(local, "deadline");
    }
    if (this.#isDone()) this.#finish();
  }

  #isDone(): boolean {
    if (this.#at < this.#actors.length || this.#waiting.size > 0) return false;
    for (const { demand } of this.#moving.values()) if (demand !== undefined) return false;
    return true;
  }

  #finish(): void {
    const drained = this.#plan === "drain";
    this.#abandon();
    if (!drained) {
      this.#effects.push({ kind: "rebalanced", moved: this.#moved, failed: this.#failed });
      return;
    }
    const payload = { migrated: this.#moved, forced: this.#forced };
    this.#hook({ name: "drain_completed", payload });
    this.#effects.push({ kind: "drained", ...payload });
  }

  #hook(hook: HubHook): void {
    this.#effects.push({ kind: "hook", hook });
  }

  #later(kind: RelocationTimer["kind"], afterMs: number): number {
    this.#tokens += 1;
    this.#effects.push({ kind: "schedule", timer: { kind, token: this.#tokens }, afterMs });
    return this.#tokens;
  }
}
