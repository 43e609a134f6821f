import { create } from "@bufbuild/protobuf";
import type { Caller } from "../domain/invocation.ts";
import type { WatchRequest, WatchResponse } from "../gen/troupe/v1/actor_pb.ts";
import { WatchResponseSchema } from "../gen/troupe/v1/actor_pb.ts";
import type { ActorApi, StateView } from "../node/node-api.ts";
import { checkedRevision } from "./invoke-call.ts";
import { actorOf, payloadMessage } from "./invoke-message.ts";

/**
 * `Watch`: the actor's committed states, the current one first. Holds at most one state; the node
 * coalesces what a slow reader misses.
 */
export async function* watchStates(
  api: ActorApi,
  message: WatchRequest,
  caller: Caller,
  signal: AbortSignal,
): AsyncIterable<WatchResponse> {
  const views = new LatestView();
  const abort = (): void => views.end(signal.reason as Error);
  signal.addEventListener("abort", abort);
  let stop: (() => void) | undefined;
  try {
    const actor = actorOf(message.actor);
    const { afterRevision } = message;
    const after = afterRevision === undefined ? -1 : checkedRevision(afterRevision);
    stop = await api.watch(
      caller,
      actor,
      (view) => views.put(view),
      (error) => views.end(error),
    );
    for (;;) {
      const view = await views.take();
      if (view === undefined) return;
      if (view.revision > after) yield watchResponse(view);
    }
  } finally {
    signal.removeEventListener("abort", abort);
    stop?.();
    views.end(undefined);
  }
}

function watchResponse({ state, revision, tags }: StateView): WatchResponse {
  const payload = payloadMessage(state);
  return create(WatchResponseSchema, {
    revision: BigInt(revision),
    tags: { ...tags },
    ...(payload !== undefined && { state: payload }),
  });
}

/** Room for one state: whoever puts one in waits until the one before was taken. */
class LatestView {
  #view: StateView | undefined;
  #ended = false;
  #error: Error | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Leaves a view; the promise resolves when it has been taken, or nobody takes any more. */
  put(view: StateView): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#view = view;
    this.#wakeReader?.();
    return new Promise((resolve) => {
      const before = this.#wakeWriter;
      this.#wakeWriter = () => {
        before?.();
        resolve();
      };
    });
  }

  /** The next view; undefined at the end. Throws what ended the watch. */
  async take(): Promise<StateView | undefined> {
    while (this.#view === undefined) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    const view = this.#view;
    this.#view = undefined;
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
    return view;
  }

  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
