import { existsSync } from "node:fs";

/**
 * Whether a program that belongs to others is here. One that is absent is said, and with
 * `REQUIRE_BACKENDS=1` it fails unless it is `optional`: use as `test.skipIf(isAbsent("curl"))`.
 */
export function isAbsent(program: string, optional = false): boolean {
  const found = program.startsWith("/") ? existsSync(program) : Bun.which(program) !== null;
  if (found) return false;
  if (process.env["REQUIRE_BACKENDS"] === "1" && !optional)
    throw new Error(`${program} is required and absent`);
  process.stdout.write(`${program} is absent; its tests are skipped\n`);
  return true;
}

/** How a program ended. */
export interface ToolRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most for `timeoutMs`. */
export async function runTool(
  command: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly timeoutMs?: number;
  } = {},
): Promise<ToolRun> {
  const child = Bun.spawn([...command], {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

/** What a client printed as its last line, parsed; throws with all it said if it failed. */
export function reportOf<T>({ code, stdout, stderr }: ToolRun): T {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (code !== 0 || !last.startsWith("{")) {
    throw new Error(`the client ended with ${String(code)}: ${stdout}\n${stderr}`);
  }
  return JSON.parse(last) as T;
}
