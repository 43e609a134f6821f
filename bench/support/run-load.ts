import { join } from "node:path";
import type { LoadOptions, LoadResult } from "../load/load-options.ts";

const LOAD = join(import.meta.dir, "..", "load", "load.ts");

/** Runs one load process to its end. Rejects if any answer was wrong: such a run measures nothing. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const child = Bun.spawn([process.execPath, LOAD, JSON.stringify(options)], { stdout: "pipe" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the load process failed: ${text}`);
  const result = JSON.parse(text) as LoadResult;
  if (result.wrong > 0) {
    throw new Error(`${result.wrong} wrong answers of ${result.calls}, first ${result.firstWrong}`);
  }
  if (result.calls === 0) throw new Error("the load process got no answer");
  return result;
}
