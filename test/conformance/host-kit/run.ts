// Runs the conformance kit of the host protocol against a host in any language:
//
//   node launcher.mjs bun test/conformance/host-kit/run.ts --command "python3 examples/python/counter_host.py"
//
// The command is given the address and the token of a server as TROUPE_URL and TROUPE_TOKEN.
import { parseArgs } from "node:util";
import { KitServer } from "./kit-server.ts";
import { runChecks } from "./run-checks.ts";

const TOKEN = "kit-token";

const { values } = parseArgs({ options: { command: { type: "string" } } });
const { command } = values;
if (command === undefined) {
  process.stderr.write('usage: run.ts --command "<how the host is started>"\n');
  process.exit(64);
}

await using kit = await KitServer.start(TOKEN);
const host = Bun.spawn(["sh", "-c", `exec ${command}`], {
  env: { ...process.env, TROUPE_URL: kit.url, TROUPE_TOKEN: TOKEN },
  stdout: "inherit",
  stderr: "inherit",
});
let failed = 1;
try {
  const results = await runChecks(kit, ({ name, problem, ms }) => {
    const verdict = problem === undefined ? "PASS" : "FAIL";
    process.stdout.write(`${verdict}  ${name} (${Math.round(ms)} ms)\n`);
    if (problem !== undefined) process.stdout.write(`      ${problem}\n`);
  });
  failed = results.filter(({ problem }) => problem !== undefined).length;
  process.stdout.write(`${results.length - failed} of ${results.length} checks passed\n`);
} catch (error) {
  process.stdout.write(`FAIL  ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  host.kill();
  await host.exited;
}
process.exitCode = failed === 0 ? 0 : 1;
