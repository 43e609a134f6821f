import { expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent, reportOf, runTool } from "./support/tools.ts";
import { ROOT, startDev } from "./support/troupe-process.ts";

// Debian's own compiler is too old for the library, so a machine for tests need not have one.
/** The first build of the library takes most of a minute. */
const BUILD_MS = 170_000;

test.skipIf(isAbsent("go", true))(
  "grpc-go speaks gRPC",
  async () => {
    using folder = tempDir();
    const image = join(folder.path, "image.binpb");
    const buf = join(ROOT, "node_modules", ".bin", "buf");
    const made = await runTool([buf, "build", "-o", image], { cwd: ROOT });
    expect(`${made.code}`, made.stderr).toBe("0");
    const client = join(folder.path, "client");
    const source = join(ROOT, "test", "e2e", "clients", "go");
    const build = ["go", "build", "-mod=readonly", "-o", client, "."];
    const built = await runTool(build, { cwd: source, timeoutMs: BUILD_MS });
    expect(`${built.code}`, built.stderr).toBe("0");
    await using server = await startDev(folder.path);
    const run = await runTool([client, image, `127.0.0.1:${server.port}`, "go"]);
    expectReport(reportOf<ClientReport>(run), { bidi: true });
  },
  BUILD_MS + 30_000,
);
