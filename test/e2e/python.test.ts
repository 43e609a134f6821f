import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import type { ClientReport } from "./clients/client-report.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent, reportOf, runTool } from "./support/tools.ts";
import { ROOT, startDev } from "./support/troupe-process.ts";

const INSTALL_MS = 150_000;

/**
 * An interpreter with grpcio and grpcio-tools: `TROUPE_TEST_PYTHON`, else one that is made in the
 * folder; `undefined`, with a printed line, where the packages cannot be had.
 */
async function pythonWithGrpc(folder: string): Promise<string | undefined> {
  const given = process.env["TROUPE_TEST_PYTHON"];
  if (given !== undefined) return given;
  const python = join(folder, "venv", "bin", "python");
  const made = await runTool(["python3", "-m", "venv", join(folder, "venv")]);
  const install = ["-m", "pip", "install", "--quiet", "grpcio", "grpcio-tools"];
  const installed =
    made.code === 0 ? await runTool([python, ...install], { timeoutMs: INSTALL_MS }) : made;
  if (installed.code === 0) return python;
  if (process.env["REQUIRE_BACKENDS"] === "1") throw new Error(installed.stderr);
  process.stdout.write("grpcio cannot be installed; its test is skipped\n");
  return undefined;
}

test.skipIf(isAbsent("python3"))(
  "grpcio speaks gRPC",
  async () => {
    using folder = tempDir();
    const python = await pythonWithGrpc(folder.path);
    if (python === undefined) return expect(process.env["REQUIRE_BACKENDS"]).not.toBe("1");
    const out = join(folder.path, "gen");
    mkdirSync(out);
    const protos = ["actor", "invocation"].map((name) => `troupe/v1/${name}.proto`);
    const compile = ["-m", "grpc_tools.protoc", `--proto_path=${join(ROOT, "proto")}`];
    const outputs = [`--python_out=${out}`, `--grpc_python_out=${out}`];
    const made = await runTool([
      python,
      ...compile,
      ...outputs,
      ...protos,
      "grpc/health/v1/health.proto",
    ]);
    expect(`${made.code}`, made.stderr).toBe("0");
    await using server = await startDev(folder.path);
    const client = join(ROOT, "test", "e2e", "clients", "python-client.py");
    const run = await runTool([python, client, out, `127.0.0.1:${server.port}`, "python"]);
    expectReport(reportOf<ClientReport>(run), { bidi: true });
    return undefined;
  },
  INSTALL_MS + 30_000,
);
