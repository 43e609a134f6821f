import type { ServiceImpl } from "@connectrpc/connect";
import type { Credentials } from "../contract/index.ts";
import type { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { RegisterRequest, RegisterResponse } from "../gen/troupe/v1/host_pb.ts";
import type { ClusterService } from "../gen/troupe/v1/cluster_pb.ts";
import type { RunningTurn } from "../node/host-port.ts";
import type { ActorApi, NodeStatus } from "../node/node-api.ts";
import type { Clock, HttpRequest, HttpResponse, Logger, WebSocketLink } from "../node/ports.ts";
import type { CallTracing } from "./invoke-call.ts";

/** Bounds of the edge alone. Bytes, counts and milliseconds. */
export interface EdgeLimits {
  /** Calls under way on one stream; more are read only when some have been answered. */
  readonly streamCalls: number;
  /** Encoded answers of a server stream that wait for a slow reader. */
  readonly streamBufferBytes: number;
  readonly authenticateMs: number;
  readonly tokenBytes: number;
  /** Wrong credentials of one address within a minute before its refusals are held back. */
  readonly wrongTokensPerMinute: number;
  readonly pageSize: number;
}

export const DEFAULT_EDGE_LIMITS: EdgeLimits = Object.freeze({
  streamCalls: 1_000,
  streamBufferBytes: 65_536,
  authenticateMs: 1_000,
  tokenBytes: 8_192,
  wrongTokensPerMinute: 100,
  pageSize: 100,
});

/** What the edge counts. Called on the hot path: an implementation must not throw or wait. */
export interface EdgeInstruments {
  /** One answered call: `Invoke`, `GetState`, …; `code` is "ok" or Connect's; in milliseconds. */
  observe(method: string, code: string, ms: number): void;
  /** One refusal at the edge, by entry (`rpc`, `json`, `stream`, …) and reason. */
  rejected(entry: string, reason: string): void;
  /** The peer went away while its request was being read or its call was running. */
  aborted(phase: "read" | "call"): void;
}

/** Names the caller; see `contract/authenticator.ts`. */
export type Authenticate = (
  credentials: Credentials,
) => Caller | undefined | Promise<Caller | undefined>;

/** A request that someone else answers. */
export interface ExtraRoute {
  /** The exact path, or everything below it if it ends in "/". */
  readonly path: string;
  /** False: whoever answers finds out for himself who calls, and is given no caller. */
  readonly authenticated: boolean;
  request(request: HttpRequest, response: HttpResponse, caller: Caller | undefined): void;
}

/** A WebSocket subprotocol that someone else speaks, and who finds out for himself who calls. */
export interface ExtraUpgrade {
  readonly protocol: string;
  accept(link: WebSocketLink, credentials: Credentials): void;
}

/** How a node stands, for probes and the health service. */
export interface HealthSource {
  readonly status: () => NodeStatus;
  /** State of each part, "ok" or what is wrong with it; a part that is not ok makes a node unready. */
  readonly checks?: () => Readonly<Record<string, string>>;
}

/** What both listeners need. */
export interface EdgeOptions extends HealthSource {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly edgeLimits?: Partial<EdgeLimits>;
  readonly instruments: EdgeInstruments;
  /** Absent: every caller is `anonymous`, which is for loopback listeners alone. */
  readonly authenticate?: Authenticate | undefined;
  /** Origins of browsers that may call, e.g. `https://app.example.org`. */
  readonly corsOrigins: readonly string[];
  /**
   * Host names a request may be for, without port; for loopback listeners, so that no web page can
   * reach them under a name of its own. Absent: any.
   */
  readonly allowedHosts?: readonly string[] | undefined;
}

/** Everything the client listener needs. */
export interface ApiHandlerOptions extends EdgeOptions {
  readonly api: ActorApi;
  readonly trace?: CallTracing | undefined;
  readonly turn?: ((token: string) => RunningTurn | undefined) | undefined;
  /** Secret under which page tokens are made; the same on all nodes of a cluster. */
  readonly pageTokenKey: Uint8Array;
  readonly routes?: readonly ExtraRoute[];
  readonly upgrades?: readonly ExtraUpgrade[];
  /** Registers a dialled host. Absent: dialled hosts are not taken here. */
  readonly registerHost?: (request: RegisterRequest, caller: Caller) => Promise<RegisterResponse>;
  /** Whether types with hosts are served, by type name; for the standard health service. */
  readonly typeHealth?: (type: string) => boolean | undefined;
  /** False: every method goes through the complete handlers. For tests that compare the two ways. */
  readonly lean?: boolean;
}

/** Everything the admin listener needs. */
export interface AdminHandlerOptions extends EdgeOptions {
  /**
   * Why the caller may not do this, or `undefined` if he may. Asked for every method of
   * `ClusterService` by its name, and for `metrics` and `statusz`.
   */
  readonly authorize: (caller: Caller, operation: string) => ServerError | undefined;
  readonly cluster: ServiceImpl<typeof ClusterService>;
  /** The metrics in the text format of Prometheus. */
  readonly metrics: () => string | Promise<string>;
  /** Everything about every part of the node, for people. */
  readonly statusz?: () => unknown;
}
