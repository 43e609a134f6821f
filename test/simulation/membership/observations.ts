import type { SwimEvent } from "../../../src/core/swim/effects.ts";
import type { SimMember } from "./sim-member.ts";
import type { Violation } from "./violation.ts";

/** When one member was given up, by those who saw it. */
export interface Detection {
  readonly subject: number;
  readonly atMs: number;
  firstSuspectMs: number | undefined;
  firstDeadMs: number | undefined;
  lastDeadMs: number | undefined;
  observers: number;
}

type Phase = 0 | 1;
const ABSENT: Phase = 0;
const PRESENT: Phase = 1;

/**
 * What members told of each other: checks that every observer's story of every subject makes sense
 * (join, then anything, then dead or left), and counts detections and false removals.
 */
export class Observations {
  readonly violations: Violation[] = [];
  /** Removals of members that run and were never the object of a fault: observers times subjects. */
  falseRemovals = 0;
  /** Of these, at observers that were never the object of a fault either. */
  falseAtHealthy = 0;
  /** Removals of members that run and answer at that moment, whatever befell them before. */
  livingRemovals = 0;
  readonly removedFalsely = new Set<number>();
  refutations = 0;
  events = 0;
  readonly detections = new Map<number, Detection>();
  readonly counts = new Map<string, number>();
  readonly #members: number;
  readonly #phases: Uint8Array;
  readonly #harmed: ReadonlySet<number>;

  constructor(members: number, formed: boolean, harmed: ReadonlySet<number>) {
    this.#members = members;
    this.#harmed = harmed;
    this.#phases = new Uint8Array(members * members);
    if (formed) this.#phases.fill(PRESENT);
  }

  /** A member dies now: how long others take to see it is measured from here. */
  expectDeath(subject: number, nowMs: number): void {
    this.detections.set(subject, {
      subject,
      atMs: nowMs,
      firstSuspectMs: undefined,
      firstDeadMs: undefined,
      lastDeadMs: undefined,
      observers: 0,
    });
  }

  /** An observer's process begins anew and knows nobody. */
  forget(observer: number): void {
    this.#phases.fill(ABSENT, observer * this.#members, (observer + 1) * this.#members);
  }

  /** `connected`: what the subject sends can reach the observer, and the other way round. */
  note(
    nowMs: number,
    observer: SimMember,
    subject: SimMember | undefined,
    event: SwimEvent,
    connected: boolean,
  ): void {
    this.events += 1;
    this.counts.set(event.kind, (this.counts.get(event.kind) ?? 0) + 1);
    if (subject === undefined || !("member" in event)) return;
    if (subject === observer) {
      if (event.kind === "refuted") this.refutations += 1;
      return;
    }
    this.#checkStory(nowMs, observer, subject, event);
    if (event.kind === "suspect") this.#detected(nowMs, subject, "firstSuspectMs");
    if (event.kind !== "dead") return;
    this.#detected(nowMs, subject, "firstDeadMs");
    const detection = this.detections.get(subject.number);
    if (detection !== undefined) {
      detection.lastDeadMs = nowMs - detection.atMs;
      detection.observers += 1;
    }
    if (!subject.isWell || subject.generation !== event.member.generation || !connected) return;
    this.livingRemovals += 1;
    if (this.#harmed.has(subject.number)) return;
    this.falseRemovals += 1;
    this.removedFalsely.add(subject.number);
    if (!this.#harmed.has(observer.number)) this.falseAtHealthy += 1;
  }

  #detected(nowMs: number, subject: SimMember, key: "firstSuspectMs" | "firstDeadMs"): void {
    const detection = this.detections.get(subject.number);
    if (detection !== undefined) detection[key] ??= nowMs - detection.atMs;
  }

  #checkStory(nowMs: number, observer: SimMember, subject: SimMember, event: SwimEvent): void {
    const at = observer.number * this.#members + subject.number;
    const phase = this.#phases[at];
    const isEnd = event.kind === "dead" || event.kind === "left";
    if (event.kind === "conflict" || event.kind === "blocked") return;
    if ((event.kind === "join") !== (phase === ABSENT)) {
      const message = `${nowMs} ms: ${observer.name} tells ${event.kind} of ${subject.name}, which is ${phase === ABSENT ? "no" : "a"} member to it`;
      this.violations.push({ checker: "story", message });
    }
    if (event.kind === "join") this.#phases[at] = PRESENT;
    if (isEnd) this.#phases[at] = ABSENT;
  }
}
