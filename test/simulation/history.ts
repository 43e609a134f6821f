import type { ActorId } from "../../src/domain/actor.ts";
import type { ErrorCode, Outcome } from "../../src/domain/error.ts";

/** What a client heard of one attempt. Stamps are in one order over all clients. */
export type Heard =
  | {
      readonly kind: "ok";
      readonly stamp: number;
      readonly value: unknown;
      readonly revision: number;
      readonly replayed: boolean;
      readonly node: string;
    }
  | {
      readonly kind: "error";
      readonly stamp: number;
      readonly code: ErrorCode;
      readonly outcome: Outcome;
      readonly owner: string | undefined;
      readonly node: string;
    };

/** One sending of an operation to one node, and all that was heard of it. */
export interface Attempt {
  readonly node: string;
  readonly heard: Heard[];
}

/** One operation of a client with all its attempts, which share the request id, if it has one. */
export interface Op {
  readonly id: string;
  readonly actor: ActorId;
  readonly action: string;
  readonly argument: unknown;
  readonly requestId: string;
  /** It abuses the request id of another operation, so it must be refused. */
  readonly isAbuse: boolean;
  readonly callStamp: number;
  readonly attempts: Attempt[];
}

/** `failed`: every attempt was answered with a definite error. */
export type Fate = "ok" | "failed" | "unknown";

/** The first answer that said OK. */
export function firstOk(op: Op): Extract<Heard, { kind: "ok" }> | undefined {
  let first: Extract<Heard, { kind: "ok" }> | undefined;
  for (const { heard } of op.attempts) {
    for (const answer of heard) {
      if (answer.kind === "ok" && answer.stamp < (first?.stamp ?? Infinity)) first = answer;
    }
  }
  return first;
}

export function fateOf(op: Op): Fate {
  if (firstOk(op) !== undefined) return "ok";
  const isRefused = ({ heard }: Attempt): boolean =>
    heard.some((answer) => answer.kind === "error" && answer.outcome !== "unknown");
  return op.attempts.every(isRefused) ? "failed" : "unknown";
}
