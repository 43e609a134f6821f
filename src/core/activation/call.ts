import type { ServerError } from "../../domain/error.ts";
import type { Invocation, Reply } from "../../domain/invocation.ts";
import { NO_SLOT, type WheelEntry } from "../../std/timer-wheel.ts";

/**
 * Where a call stands: waiting in the mailbox, waiting for its recorded reply, waiting for an equal
 * call that is under way, running at the host, waiting for a commit, or answered.
 */
export type CallPhase = "queued" | "looking" | "following" | "running" | "staged" | "done";

/** One call inside an activation. Made by the driver, moved by the activation alone. */
export class Call implements WheelEntry {
  readonly id: number;
  readonly invocation: Invocation;
  /** Digest of the payload, where there is a request id. */
  readonly digest: Uint8Array | undefined;
  /** What the call weighs in the mailbox. */
  readonly bytes: number;
  /** Told once, with the answer. */
  readonly settle: CallSink;
  phase: CallPhase = "queued";
  /** Who drives the call now; the activation never looks at it. */
  home: unknown = undefined;
  /** The store has been asked for a recorded reply and has none. */
  checked = false;
  /** Calls with the same request id that came while this one was under way. */
  followers: Call[] | undefined = undefined;
  dueMs: number;
  wheelSlot = NO_SLOT;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;

  constructor(
    id: number,
    invocation: Invocation,
    digest: Uint8Array | undefined,
    settle: CallSink,
  ) {
    this.id = id;
    this.invocation = invocation;
    this.digest = digest;
    this.bytes = invocation.payload.data.length + 256;
    this.settle = settle;
    this.dueMs = invocation.deadlineMs;
  }
}

/** Who hears the answer to a call; exactly one of the two is called, once. */
export interface CallSink {
  resolve(reply: Reply): void;
  reject(error: ServerError): void;
}

/** An answer that is known and must wait: for the commit it depends on, or for a fence read. */
export type Answer =
  | { readonly kind: "reply"; readonly call: Call; readonly reply: Reply }
  | { readonly kind: "reject"; readonly call: Call; readonly error: ServerError };

/** True if both digests are equal; absent ones are not. */
export function sameDigest(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
