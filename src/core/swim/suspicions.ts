import { Deadlines } from "./deadlines.ts";
import { type SuspicionTimes, suspicionLength } from "./timing.ts";
import type { MemberId } from "./wire.ts";

/** One member under suspicion. */
interface Suspicion {
  readonly startMs: number;
  readonly times: SuspicionTimes;
  /** The first accuser, and the distinct others that confirmed. */
  readonly accusers: MemberId[];
  /** How often others are reminded of the accusation while none of them confirms it. */
  readonly remindMs: number;
  /** Tells this suspicion from all others. */
  readonly life: number;
  deadlineMs: number;
  /** Of the deadline in force; another suspicion's deadline, or an older one, has another. */
  token: number;
}

/**
 * Who is suspected, since when and until when (Lifeguard, 2017): a suspicion lasts long while one
 * member alone accuses, and shorter with each other member that confirms. Deadlines are told apart by
 * tokens that are never used again, or the deadline of an old suspicion would end a new one.
 */
export class Suspicions {
  readonly #bySubject = new Map<number, Suspicion>();
  readonly #deadlines = new Deadlines();
  readonly #reminders = new Deadlines();
  #token = 0;

  get length(): number {
    return this.#bySubject.size;
  }

  /** When the next deadline comes, in force or not. */
  get nextMs(): number {
    return Math.min(this.#deadlines.nextMs, this.#reminders.nextMs);
  }

  /**
   * Begins a suspicion, in place of one that may be there. With `remindMs` there are reminders of it
   * for as long as nobody confirms it.
   */
  start(
    subject: number,
    nowMs: number,
    from: MemberId,
    times: SuspicionTimes,
    remindMs: number = Number.POSITIVE_INFINITY,
  ): void {
    this.#token += 1;
    const suspicion: Suspicion = {
      startMs: nowMs,
      times,
      accusers: [from],
      remindMs,
      life: this.#token,
      deadlineMs: nowMs + suspicionLength(times, 0),
      token: 0,
    };
    this.#bySubject.set(subject, suspicion);
    this.#arm(subject, suspicion);
    if (remindMs < Number.POSITIVE_INFINITY) {
      this.#reminders.add(nowMs + remindMs, subject, suspicion.life);
    }
  }

  /** The next member of whose suspicion others are to be reminded by `nowMs`. */
  takeReminder(nowMs: number): number | undefined {
    for (;;) {
      const due = this.#reminders.take(nowMs);
      if (due === undefined) return undefined;
      const suspicion = this.#bySubject.get(due.subject);
      if (suspicion?.life !== due.token || suspicion.accusers.length > 1) continue;
      this.#reminders.add(nowMs + suspicion.remindMs, due.subject, due.token);
      return due.subject;
    }
  }

  /** Counts an accuser. True if it is a new one and was still needed: then others should hear it. */
  confirm(subject: number, from: MemberId): boolean {
    const suspicion = this.#bySubject.get(subject);
    if (suspicion === undefined) return false;
    const { accusers, times, startMs } = suspicion;
    if (accusers.length > times.confirmations) return false;
    if (accusers.some(({ hi, lo }) => hi === from.hi && lo === from.lo)) return false;
    accusers.push(from);
    this.#bring(subject, suspicion, startMs + suspicionLength(times, accusers.length - 1));
    return true;
  }

  /** Who accused first. */
  accuser(subject: number): MemberId | undefined {
    return this.#bySubject.get(subject)?.accusers[0];
  }

  /** Lets the suspicion last until `afterMs` behind its beginning at most. */
  shorten(subject: number, afterMs: number): void {
    const suspicion = this.#bySubject.get(subject);
    if (suspicion !== undefined) this.#bring(subject, suspicion, suspicion.startMs + afterMs);
  }

  clear(subject: number): void {
    this.#bySubject.delete(subject);
  }

  /** The next member whose suspicion has run out by `nowMs`; it is suspected no longer. */
  takeExpired(nowMs: number): number | undefined {
    for (;;) {
      const due = this.#deadlines.take(nowMs);
      if (due === undefined) return undefined;
      if (this.#bySubject.get(due.subject)?.token !== due.token) continue;
      this.#bySubject.delete(due.subject);
      return due.subject;
    }
  }

  /** The local node stood still: what it could not hear meanwhile is no evidence. */
  extend(byMs: number): void {
    for (const [subject, suspicion] of this.#bySubject) {
      suspicion.deadlineMs += byMs;
      this.#arm(subject, suspicion);
    }
  }

  #bring(subject: number, suspicion: Suspicion, deadlineMs: number): void {
    if (deadlineMs >= suspicion.deadlineMs) return;
    suspicion.deadlineMs = deadlineMs;
    this.#arm(subject, suspicion);
  }

  #arm(subject: number, suspicion: Suspicion): void {
    this.#token += 1;
    suspicion.token = this.#token;
    this.#deadlines.add(suspicion.deadlineMs, subject, this.#token);
  }
}
