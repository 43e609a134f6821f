import type { Limits } from "../../domain/limits.ts";
import { expired, refuse } from "./refusal.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
const MILLISECONDS = /^\d{1,10}$/;
const GRPC_TIMEOUT = /^\d{1,8}[HMSmun]$/;

/** A time in whole milliseconds, as `connect-timeout-ms` carries it. */
export function parseMilliseconds(text: string): number {
  if (!MILLISECONDS.test(text)) throw refuse("DEADLINE");
  return Number(text);
}

/** The remaining time that the headers of an RPC give; undefined for none. */
export function headerTimeoutMs(header: (name: string) => string | undefined): number | undefined {
  const connect = header("connect-timeout-ms");
  if (connect !== undefined) return inTime(parseMilliseconds(connect));
  const grpc = header("grpc-timeout");
  if (grpc !== undefined) return inTime(parseGrpcTimeout(grpc));
  const plain = header("x-troupe-deadline-ms");
  return plain === undefined ? undefined : inTime(parseMilliseconds(plain));
}

function inTime(ms: number): number {
  if (ms <= 0) throw expired();
  return ms;
}

/** A time as `grpc-timeout` carries it: up to eight digits and a unit. */
export function parseGrpcTimeout(text: string): number {
  if (!GRPC_TIMEOUT.test(text)) throw refuse("DEADLINE");
  return Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 0);
}

/** Milliseconds of a protobuf duration; a negative one is refused. */
export function checkedDurationMs(ms: number): number {
  if (!(ms >= 0)) throw refuse("DEADLINE");
  return ms;
}

/** The narrowest of some times in milliseconds, at most `maxMs`; throws when it is 0. */
export function remainingMs(
  first: number | undefined,
  second: number | undefined,
  defaultMs: number,
  maxMs: number,
): number {
  const given = Math.min(first ?? Number.POSITIVE_INFINITY, second ?? Number.POSITIVE_INFINITY);
  if (given <= 0) throw expired();
  return Math.min(given === Number.POSITIVE_INFINITY ? defaultMs : given, maxMs);
}

/** The remaining time of a unary call from the time its channel gives and the one in its message. */
export function callTimeoutMs(
  channelMs: number | undefined,
  messageMs: number | undefined,
  limits: Limits,
): number {
  return remainingMs(channelMs, messageMs, limits.defaultDeadlineMs, limits.maxDeadlineMs);
}
