import { waitUntil } from "../../support/wait-until.ts";
import { ACTORS, startDev, type TroupeServer } from "./troupe-process.ts";

/** How a member sees another one. */
export interface SeenMember {
  readonly node: string;
  readonly state: string;
  readonly linked: boolean;
  readonly draining: boolean;
  readonly types: readonly string[];
}

interface Status {
  readonly node: string;
  readonly session: number;
  readonly members: readonly SeenMember[];
}

const SETTLED_MS = 30_000;

/** What one member says at `/statusz`. */
export async function statusOf(server: TroupeServer): Promise<Status> {
  const response = await fetch(`${server.adminUrl}/statusz`);
  return ((await response.json()) as { parts: Status }).parts;
}

/** Starts a member over the embedded store of a folder that all of them share. */
export function startMember(
  cwd: string,
  name: string,
  args: readonly string[] = [],
  files: readonly string[] = [ACTORS],
): Promise<TroupeServer> {
  const own = ["--node-name", name, "--statestore-mode=shared", "--discovery=store", ...args];
  return startDev(cwd, files, { args: own });
}

/** Resolves when each of the members knows all of them with their types, and is linked to them. */
export async function formed(members: readonly TroupeServer[]): Promise<void> {
  for (const member of members) {
    await waitUntil(
      "every member is known and linked",
      async () => {
        const seen = (await statusOf(member)).members;
        const well = seen.filter((one) => one.linked && one.types.length > 0 && !one.draining);
        return seen.length === members.length && well.length === members.length;
      },
      SETTLED_MS,
    );
  }
}

/** The members on which an actor is active, by what each says of itself. */
export async function holdersOf(
  members: readonly TroupeServer[],
  actor: { readonly type: string; readonly key: string },
): Promise<readonly TroupeServer[]> {
  const said = await Promise.all(
    members.map(async (member) => {
      const response = await fetch(`${member.adminUrl}/troupe.v1.ClusterService/GetOwner`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ actor }),
      });
      const { active } = (await response.json()) as { active?: string };
      return (active ?? "") === "" ? [] : [member];
    }),
  );
  return said.flat();
}
