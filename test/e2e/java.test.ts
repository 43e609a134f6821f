import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent, reportOf, runTool } from "./support/tools.ts";
import { ROOT, startDev } from "./support/troupe-process.ts";

/** The first build fetches the libraries. */
const BUILD_MS = 120_000;

test.skipIf(["java", "javac", "mvn"].some((program) => isAbsent(program)))(
  "grpc-java speaks gRPC",
  async () => {
    using folder = tempDir();
    const out = join(folder.path, "java");
    const project = join(ROOT, "test", "e2e", "clients", "java", "pom.xml");
    const build = ["mvn", "-B", "-q", "-C", "-f", project, "compile", "dependency:build-classpath"];
    const settings = [`-Dfolder=${out}`, `-Dprotos=${join(ROOT, "proto")}`];
    const built = await runTool([...build, ...settings], { timeoutMs: BUILD_MS });
    expect(`${built.code}`, built.stdout + built.stderr).toBe("0");
    const libraries = readFileSync(join(out, "classpath"), "utf8").trim();
    const path = [join(out, "classes"), libraries].join(delimiter);
    await using server = await startDev(folder.path);
    const run = await runTool(["java", "-cp", path, "Client", `127.0.0.1:${server.port}`, "java"]);
    expectReport(reportOf<ClientReport>(run), { bidi: true });
  },
  BUILD_MS + 30_000,
);
