import type { MemberInfo } from "./member.ts";
import type { Refusal } from "./wire.ts";

/** What a membership core asks of its driver, to be performed in order. */
export type SwimEffect =
  /** Send a datagram, best effort. */
  | { readonly kind: "send"; readonly to: string; readonly bytes: Uint8Array }
  /**
   * Open a stream, send one frame and read one; answer with `onAnswer` or `onNoAnswer` and the token
   * within the time given.
   */
  | {
      readonly kind: "exchange";
      readonly token: number;
      readonly to: string;
      readonly bytes: Uint8Array;
      readonly timeoutMs: number;
    }
  | { readonly kind: "event"; readonly event: SwimEvent };

/**
 * What happened to the membership. Of each member: `join`, then any of `update`, `suspect` and
 * `refuted`, then `dead` or `left`, and maybe `join` again. Whoever keeps something by process
 * compares `bootId`: after a flap it is the same.
 */
export type SwimEvent =
  | { readonly kind: "join"; readonly member: MemberInfo }
  /** Address, versions or meta are other than before; of `before`, only those count. */
  | { readonly kind: "update"; readonly member: MemberInfo; readonly before: MemberInfo }
  /** Accused by the member named `by` (empty if unknown): nothing new is to be placed on it. */
  | { readonly kind: "suspect"; readonly member: MemberInfo; readonly by: string }
  /** The accused lives. Also of the local node, each time it had to refute. */
  | { readonly kind: "refuted"; readonly member: MemberInfo }
  | { readonly kind: "dead"; readonly member: MemberInfo }
  | { readonly kind: "left"; readonly member: MemberInfo }
  | { readonly kind: "conflict"; readonly conflict: Conflict; readonly member: MemberInfo }
  /** The score of local health, 0 to 7, is another: at 0 the node trusts what it hears. */
  | { readonly kind: "health"; readonly score: number }
  /** A member or seed refuses to exchange views with this node. */
  | { readonly kind: "refused"; readonly by: string; readonly reason: Refusal }
  /** The member answers over streams only: datagrams to or from it do not pass. */
  | { readonly kind: "blocked"; readonly member: MemberInfo }
  /** The leave is told: the core does nothing more. */
  | { readonly kind: "gone" };

/**
 * `name`: two processes have one name in one generation, the member at hand is kept.
 * `outranked`: the local name goes on in a later generation, or has left in this one: this process
 * must end or begin a new session. `exhausted`: the local incarnation cannot be raised any more: begin
 * a new session.
 */
export type Conflict = "name" | "outranked" | "exhausted";

/** Why a packet, or a part of one, was dropped. */
export type DropReason =
  | "short"
  | "size"
  | "magic"
  | "version"
  | "cluster"
  /** From the local node's own id. */
  | "self"
  /** From a member that is held dead, left, or replaced by a later process. */
  | "outdated"
  | "decode"
  | "field"
  | "kind"
  /** More than 64 parts in a datagram. */
  | "parts"
  /** A ping for another member. */
  | "target"
  /** A request to ping a member that is not known. */
  | "address"
  | "unsolicited"
  /** About a member that is not known. */
  | "unknown"
  | "incompatible"
  | "full"
  /** After the end of a leave. */
  | "gone";

/** How often each thing was dropped since the start. */
export type DropCounts = Readonly<Partial<Record<DropReason, number>>>;

/** Collects what is to be done, and counts what was dropped. */
export class Outbox {
  #effects: SwimEffect[] = [];
  readonly #drops: Partial<Record<DropReason, number>> = {};

  get drops(): DropCounts {
    return this.#drops;
  }

  send(to: string, bytes: Uint8Array): void {
    this.#effects.push({ kind: "send", to, bytes });
  }

  exchange(token: number, to: string, bytes: Uint8Array, timeoutMs: number): void {
    this.#effects.push({ kind: "exchange", token, to, bytes, timeoutMs });
  }

  event(event: SwimEvent): void {
    this.#effects.push({ kind: "event", event });
  }

  drop(reason: DropReason): void {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
  }

  take(): readonly SwimEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
