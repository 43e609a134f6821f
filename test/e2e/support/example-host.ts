import { join } from "node:path";
import { waitUntil } from "../../support/wait-until.ts";
import { ROOT, type TroupeServer } from "./troupe-process.ts";

/** A host as `/statusz` shows it. */
export interface HostStatus {
  readonly in_flight: number;
}

/** The hosts that the server knows now. */
export async function hostsOf(server: TroupeServer): Promise<readonly HostStatus[]> {
  const response = await fetch(`${server.adminUrl}/statusz`);
  const { parts } = (await response.json()) as { parts: { hosts: readonly HostStatus[] } };
  return parts.hosts;
}

/** The example host in a process of its own; resolves when the server knows it. */
export async function startExampleHost(server: TroupeServer, transport: string) {
  const example = join(ROOT, "examples", "attached-counter.ts");
  const child = Bun.spawn([process.execPath, example, transport], {
    cwd: ROOT,
    env: { ...process.env, TROUPE_URL: server.url },
    stdio: ["ignore", "inherit", "inherit"],
  });
  await waitUntil("the host is known", async () => (await hostsOf(server)).length === 1);
  return child;
}
