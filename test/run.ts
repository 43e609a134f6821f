import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type Services, startServices } from "./services/services.ts";
import { tempDir } from "./support/temp-dir.ts";
import {
  addCounts,
  countRun,
  NO_TESTS,
  ONE_FAILED,
  ONE_PASSED,
  summaryLine,
  type TestCount,
} from "./support/test-count.ts";

/**
 * The test command: everything CI runs that this machine can run, stage by stage. Arguments name the
 * stages to run, none means all. The last line is `N passed, N failed` over all of them; the exit
 * code is 0 only if nothing failed.
 */

const ROOT = join(import.meta.dir, "..");
const BIN = join(ROOT, "node_modules", ".bin");
const STEP_DEADLINE_MS = 20 * 60_000;

/** One command that succeeds or fails as a whole, or test files that count one by one. */
type Step =
  | { readonly name: string; readonly kind: "command"; readonly command: readonly string[] }
  | {
      readonly name: string;
      readonly kind: "tests";
      readonly folders: readonly string[];
      readonly timeoutMs: number;
    };

interface Stage {
  readonly name: string;
  readonly needsServices: boolean;
  readonly steps: readonly Step[];
}

const tests = (name: string, folders: readonly string[], timeoutMs = 30_000): Step => ({
  name,
  kind: "tests",
  folders,
  timeoutMs,
});
const command = (name: string, ...parts: readonly string[]): Step => ({
  name,
  kind: "command",
  command: parts,
});

const STAGES: readonly Stage[] = [
  {
    name: "check",
    needsServices: false,
    steps: [
      command("format", join(BIN, "biome"), "format"),
      command("lint", join(BIN, "oxlint")),
      tests("unit", ["src", "plugins", "test/support", "test/launcher"]),
      tests("conformance and scenarios", ["test/conformance", "test/scenarios"]),
      tests("architecture", ["test/architecture"], 60_000),
    ],
  },
  {
    name: "simulation",
    needsServices: false,
    steps: [tests("simulation", ["test/simulation"], 600_000)],
  },
  { name: "services", needsServices: true, steps: [tests("services", ["test/services"])] },
  {
    name: "build",
    needsServices: false,
    steps: [command("build", process.execPath, "build.ts")],
  },
  { name: "e2e", needsServices: true, steps: [tests("end to end", ["test/e2e"], 180_000)] },
  // These start the servers that they kill.
  { name: "faults", needsServices: false, steps: [tests("faults", ["test/faults"], 300_000)] },
];

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a program to its end; a program past the deadline is killed and has no exit code. */
function run(
  parts: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  started: (child: ChildProcess) => void,
): Promise<number | null> {
  const [path = "", ...parameters] = parts;
  return new Promise((resolve) => {
    const child = spawn(path, parameters, { cwd: ROOT, stdio: "inherit", env: environment });
    started(child);
    const deadline = setTimeout(() => {
      print(`killed after ${STEP_DEADLINE_MS} ms`);
      child.kill("SIGKILL");
    }, STEP_DEADLINE_MS);
    child.on("error", (error) => {
      clearTimeout(deadline);
      print(`cannot run ${path}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (code) => {
      clearTimeout(deadline);
      resolve(code);
    });
  });
}

function testFiles(folder: string): string[] {
  const cwd = join(ROOT, folder);
  if (!existsSync(cwd)) return [];
  return [...new Glob("**/*.test.ts").scanSync({ cwd })]
    .filter((path) => !path.includes("node_modules"))
    .map((path) => `./${folder}/${path}`);
}

async function runStep(
  step: Step,
  environment: Readonly<Record<string, string | undefined>>,
  started: (child: ChildProcess) => void,
): Promise<TestCount> {
  print(`\n-- ${step.name}`);
  if (step.kind === "command") {
    return (await run(step.command, environment, started)) === 0 ? ONE_PASSED : ONE_FAILED;
  }
  const idle = step.folders.filter((folder) => testFiles(folder).length === 0);
  if (idle.length > 0) {
    print(`nothing to run in ${idle.join(", ")}`);
    return ONE_FAILED;
  }
  const files = step.folders.flatMap(testFiles).sort();
  using folder = tempDir();
  const report = join(folder.path, "report.xml");
  const flags = ["--only-failures", "--no-orphans", `--timeout=${step.timeoutMs}`];
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`];
  const parts = [process.execPath, "test", ...flags, ...reporting, ...files];
  const exitCode = await run(parts, environment, started);
  return countRun(exitCode, existsSync(report) ? readFileSync(report, "utf8") : undefined);
}

async function withServices(needed: boolean): Promise<Services | undefined> {
  if (!needed) return undefined;
  print("\n== back ends");
  const services = await startServices();
  const isRequired = process.env["REQUIRE_BACKENDS"] === "1";
  for (const { name, why, optional } of services.absent) {
    const fails = isRequired && !optional;
    const consequence = fails ? "required, so its tests fail" : "its tests are skipped";
    print(`${name}: ${why}; ${consequence}`);
  }
  return services;
}

async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown !== undefined) {
    process.stderr.write(
      `no stage "${unknown}"; there are: ${STAGES.map(({ name }) => name).join(", ")}\n`,
    );
    return 64;
  }
  const stages = STAGES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  let current: ChildProcess | undefined;
  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      current?.kill("SIGTERM");
    });
  }
  let sum = NO_TESTS;
  const services = await withServices(stages.some(({ needsServices }) => needsServices));
  try {
    const environment = { ...process.env, ...services?.environment };
    for (const stage of stages) {
      print(`\n== ${stage.name}`);
      for (const step of stage.steps) {
        if (isInterrupted) break;
        const started = performance.now();
        const count = await runStep(step, environment, (child) => {
          current = child;
        });
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        print(`${step.name}: ${summaryLine(count)} (${seconds} s)`);
        sum = addCounts(sum, count);
      }
    }
  } finally {
    await services?.stop();
  }
  if (isInterrupted) {
    print("\ninterrupted");
    sum = addCounts(sum, ONE_FAILED);
  }
  print(`\n${summaryLine(sum)}`);
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

process.exit(await main());
