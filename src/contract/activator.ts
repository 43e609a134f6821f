import type { ActorId } from "../domain/actor.ts";
import type { Payload, Reply, StringMap } from "../domain/invocation.ts";
import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** A call that an activator makes from something that happened outside. */
export interface ActivatorCall {
  readonly actor: ActorId;
  readonly action: string;
  readonly payload: Payload;
  /** Identity of the outside event; the same id has one effect. */
  readonly requestId: string;
  readonly metadata: StringMap;
  readonly timeoutMs: number;
}

/** One HTTP request for a webhook activator, already read whole. */
export interface WebhookRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: StringMap;
  readonly body: Uint8Array;
}

/** The webhook's answer. */
export interface WebhookResponse {
  readonly status: number;
  readonly headers: StringMap;
  readonly body: string;
}

/** What an activator is handed: the door to actors, under the activator's own identity. */
export interface ActivatorHost extends PluginHost {
  /** Resolves after the commit; rejects with `ServerError`. Acknowledge the source only after this. */
  invoke(call: ActivatorCall, signal: AbortSignal): Promise<Reply>;
  /**
   * Takes requests under `/hooks/<path>` of the client listener until the returned function is
   * called. Throws if the path is taken.
   */
  webhook(path: string, handler: (request: WebhookRequest) => Promise<WebhookResponse>): () => void;
  /** The next time after `afterMs` (since 1970) that cron text fires in `timeZone`; throws on bad text. */
  nextCron(cron: string, timeZone: string, afterMs: number): number | undefined;
  /**
   * True for exactly one living caller in the cluster per (instance, key): the fire of a timer belongs
   * to whoever hears true. Durable where the store is. `key` is the due time in milliseconds since
   * 1970; the successor of a process that died with its claim hears true again while the request id
   * of the fire is still recorded, so the call must carry one.
   */
  claimOnce(key: string): Promise<boolean>;
}

/** Turns outside events into invocations. Work happens between `start` and `stop`. */
export interface Activator extends Component {
  /** Stops taking new events; running ones go on. Called first when the node drains. */
  pause?(): Promise<void>;
}
