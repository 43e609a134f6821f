import type { ReadResult, Statestore } from "../contract/index.ts";
import type { ActorId } from "../domain/actor.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD, type Reply } from "../domain/invocation.ts";
import type { Sealer } from "./sealer.ts";

/**
 * The committed state of an actor that is not active here, read without claiming it: looking at an
 * actor makes none. `check` sees what was found first, and throws if the store has lost something of it.
 * Rejects with `state.unavailable` or `state.corrupt`.
 */
export async function readCommitted(
  { store, sealer }: { readonly store: Statestore; readonly sealer: Sealer },
  actor: ActorId,
  check: (row: ReadResult | undefined) => void,
): Promise<Reply> {
  const row = await store.read(actor);
  check(row);
  const { state, revision = 0, tags = EMPTY_MAP, seed } = row ?? {};
  // A key that was recorded with tags alone has a row and no state.
  const payload =
    state === undefined || state.type === ""
      ? EMPTY_PAYLOAD
      : {
          type: state.type,
          data: sealer.open(
            "state",
            actor,
            revision,
            state.type,
            state.data,
            seed && sealer.seeds?.open(actor, seed),
          ),
        };
  return { payload, revision, durable: true, replayed: false, metadata: EMPTY_MAP, tags };
}
