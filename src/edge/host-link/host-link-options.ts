import type { Credentials } from "../../contract/authenticator.ts";
import { isServerError, ServerError } from "../../domain/error.ts";
import type { Caller, Invoker } from "../../domain/invocation.ts";
import type { Limits } from "../../domain/limits.ts";
import type { HostGate } from "../../node/host-port.ts";
import type { Clock, Logger, Random } from "../../node/ports.ts";
import type { Authentication } from "../authentication.ts";
import type { CallTracing } from "../invoke-call.ts";
import type { Registrations } from "./registrations.ts";

/** What every way for hosts to come in needs. One object per node. */
export interface HostLinkOptions {
  readonly gate: HostGate;
  /** Where calls of running turns to other actors go: the router. */
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: Limits;
  /** Told to hosts, for people. */
  readonly nodeName: string;
  readonly registrations: Registrations;
  /** Who may be a host; the one of the listener, so that guesses are counted together. */
  readonly authentication: Authentication;
  readonly trace?: CallTracing;
}

/** Largest frame that a host may send: one result may carry a reply, a state and effects. */
export function maxFrameBytes(limits: Limits): number {
  return 4 * limits.messageBytes;
}

/** Identifies a link in logs and to its host. */
export function newLinkId(random: Random): string {
  return [...random.bytes(8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Names the host behind these credentials and counts its registration. Rejects with `ServerError`. */
export async function identifyHost(
  options: HostLinkOptions,
  credentials: Credentials,
): Promise<Caller> {
  const found = await new Promise<Caller | Error>((resolve) =>
    options.authentication.identify(credentials, resolve),
  );
  if (isServerError(found)) throw found;
  return admitHost(options, found as Caller);
}

/**
 * The caller as a host. Throws `ServerError`: whoever serves a type is given the states of its actors,
 * so a client's identity is not enough; and nobody may register too often.
 */
export function admitHost(options: HostLinkOptions, caller: Caller): Caller {
  if (caller.kind === "client") {
    throw new ServerError("access.denied", "the caller may not be a host", "not_started", {
      reason: "HOST_IDENTITY",
    });
  }
  options.registrations.admit(`${caller.kind}/${caller.id}`);
  return caller;
}
