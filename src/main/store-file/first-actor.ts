import type { ActorId, Portability, PortableRow } from "../../contract/index.ts";
import { INTERNAL_SYSTEM } from "../../domain/actor.ts";

const PAGE_ROWS = 100;

/** An actor that the store holds, or `undefined` if it holds none but the node's own. */
export async function firstActor(portability: Portability): Promise<ActorId | undefined> {
  for (let position: string | undefined = ""; position !== undefined; ) {
    const page: Awaited<ReturnType<Portability["read"]>> = await portability.read(
      position,
      PAGE_ROWS,
    );
    for (const row of page.rows) {
      const actor = actorOf(row);
      if (actor !== undefined && actor.system !== INTERNAL_SYSTEM) return actor;
    }
    position = page.next;
  }
  return undefined;
}

function actorOf(row: PortableRow): ActorId | undefined {
  if (row.kind === "actor") return row.actor;
  return "owner" in row ? row.owner : undefined;
}
