import { expect, test } from "bun:test";
import { join } from "node:path";
import { runTool } from "./support/tools.ts";
import { ROOT } from "./support/troupe-process.ts";

test("the listener carries thousands of streams, sockets and posts, and none hangs", async () => {
  const soak = join(ROOT, "bench", "listener", "soak.ts");
  const command = [process.execPath, soak, "--calls", "3000"];
  const { code, stdout, stderr } = await runTool(command, { cwd: ROOT, timeoutMs: 150_000 });
  expect(`${code}`, stdout + stderr).toBe("0");
});
