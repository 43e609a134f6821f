import type { RevisionInfo } from "../../gen/troupe/v1/actor_pb.ts";
import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import { type ActorName, actorText } from "./actor-path.ts";
import type { Connection } from "./connection.ts";

/** One kept revision with its state; throws `CommandError` if it is not kept. */
export async function pastState(
  { client, call, attempt }: Connection,
  actor: ActorName,
  revision: number,
): Promise<RevisionInfo> {
  const wanted = BigInt(revision);
  const range = { actor, fromRevision: wanted, toRevision: wanted, withStates: true, pageSize: 1 };
  const { revisions } = await attempt(() => client.history(range, call));
  const found = revisions.find((row) => row.revision === wanted);
  if (found !== undefined) return found;
  const message = `revision ${revision} of ${actorText(actor)} is not kept`;
  throw new CommandError(message, EXIT.failed, "troupe state history lists those that are");
}
