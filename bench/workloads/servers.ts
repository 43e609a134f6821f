import { join } from "node:path";
import type { BenchSettings } from "../support/bench-settings.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** Commits on the database servers of the tests, started for it; prints its own report. */
export async function servers({ runMs, rounds }: BenchSettings): Promise<undefined> {
  const services = join(ROOT, "test", "services", "services.ts");
  const commits = join(ROOT, "bench", "statestores", "commits.ts");
  const limits = ["--seconds", String(runMs / 1000), "--rounds", String(rounds)];
  const command = [process.execPath, commits, "postgres", "mariadb", ...limits];
  const child = Bun.spawn([process.execPath, services, ...command], {
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error("the benchmark of servers failed");
}
