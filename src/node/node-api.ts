import type { ActorSummary, HistoryRow } from "../contract/index.ts";
import type { ActorId } from "../domain/actor.ts";
import type { Caller, Invoker, Payload, StringMap } from "../domain/invocation.ts";

/** A committed state as `watch` and `state` show it. */
export interface StateView {
  readonly state: Payload | undefined;
  readonly revision: number;
  readonly tags: StringMap;
}

/** One row of a listing. */
export interface ListQuery {
  readonly system: string;
  readonly type?: string;
  readonly keyPrefix?: string;
  readonly tags?: StringMap;
  readonly after?: { readonly type: string; readonly key: string };
  readonly limit: number;
}

/** A page of a listing; it may hold fewer rows than asked for although there are more. */
export interface ListPage {
  readonly rows: readonly ActorSummary[];
  /** Where the next page begins; `undefined` at the end. */
  readonly next: { readonly type: string; readonly key: string } | undefined;
}

/** Which past states are asked for; bounds inclusive, newest first. */
export interface HistoryQuery {
  readonly fromRevision?: number;
  readonly toRevision?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly withStates: boolean;
  readonly limit: number;
}

/** One past state. */
export interface PastState {
  readonly row: Omit<HistoryRow, "state">;
  /** Opened, where states were asked for. */
  readonly state: Payload | undefined;
  /** Bytes of the state, whether it was asked for or not. */
  readonly size: number;
}

/** A page of past states; it may hold fewer than asked for although there are more. */
export interface HistoryPage {
  readonly revisions: readonly PastState[];
  /** The newest revision of the next page; `undefined` at the end. */
  readonly next: number | undefined;
}

/**
 * What the edge asks of the node besides `invoke`. Every method authorises `caller` by the same
 * policy as an invocation and rejects with `ServerError`.
 */
export interface ActorApi extends Invoker {
  /** Records a key without activating it; true if it was new. */
  spawn(caller: Caller, actor: ActorId, tags: StringMap): Promise<boolean>;
  list(caller: Caller, query: ListQuery): Promise<ListPage>;
  history(caller: Caller, actor: ActorId, query: HistoryQuery): Promise<HistoryPage>;
  /** Brings a kept revision back as a new one; answers that one. */
  restore(caller: Caller, actor: ActorId, revision: number, requestId: string): Promise<number>;
  /** Ends the activation after its running turns; false if there was none. */
  deactivate(caller: Caller, actor: ActorId): Promise<boolean>;
  /**
   * Calls `onState` with the current committed state and then with each later one, coalescing what
   * the listener is too slow for (`ready` says when it may be called again). `onEnd` is called once
   * if the node ends the watch. The returned function ends it.
   */
  watch(
    caller: Caller,
    actor: ActorId,
    onState: (view: StateView) => Promise<void> | undefined,
    onEnd: (error: Error | undefined) => void,
  ): Promise<() => void>;
}

/** How a node stands; `starting` until every component has started. */
export type NodeStatus = "starting" | "running" | "draining" | "stopping";
