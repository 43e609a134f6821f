import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { waitUntil } from "../support/wait-until.ts";
import { answersHandshake } from "./handshake.ts";
import { type Program, SERVICE_KINDS, type ServiceKind } from "./service-kinds.ts";

/**
 * Real back ends for tests. A service whose variable names a reachable URL is used as it is; another
 * one is started from the installed packages on a private port of 127.0.0.1, with a folder of its own.
 *
 *   bun test/services/services.ts <command> [arguments]   runs the command with the back ends up
 */

const READY_MS = 60_000;
const STOP_MS = 15_000;
const SETPRIV = "/usr/bin/setpriv";

/** A back end that is not there. */
export interface AbsentService {
  readonly name: string;
  readonly why: string;
  /** Nobody need have it, whatever is required. */
  readonly optional: boolean;
}

/** What became of the start: URLs for child processes, and who is not there and why. */
export interface Services {
  readonly environment: Readonly<Record<string, string>>;
  readonly absent: readonly AbsentService[];
  /** Ends everything that was started here, and nothing else. */
  stop(): Promise<void>;
}

interface Running {
  readonly kind: ServiceKind;
  readonly url: string;
  readonly processes: readonly ChildProcess[];
  readonly folder: string;
}

/** Starts one program of a service under the account it insists on; it ends with this process. */
export function startProgram(program: Program, log: string): ChildProcess {
  const isRoot = process.getuid?.() === 0;
  // The kernel ends the service if this process is killed; servers that refuse root get their account.
  const account =
    isRoot && program.user !== undefined
      ? [`--reuid=${program.user}`, `--regid=${program.user}`, "--init-groups"]
      : [];
  const wrapper = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig=KILL", ...account, "--"] : [];
  const [path = program.path, ...parameters] = [...wrapper, program.path, ...program.parameters];
  const output = openSync(log, "a");
  try {
    const environment = { ...process.env, ...program.environment };
    return spawn(path, parameters, {
      stdio: ["ignore", output, output],
      env: environment,
      cwd: "/",
    });
  } finally {
    closeSync(output);
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.kill("SIGTERM");
  await waitUntil("a service ends", () => hasEnded(child), STOP_MS).catch(() =>
    child.kill("SIGKILL"),
  );
}

async function stopOne(running: Running): Promise<void> {
  for (const child of [...running.processes].reverse()) await end(child);
  rmSync(running.folder, { recursive: true, force: true });
}

/** An empty folder that the service's own account can reach. */
export function privateFolder(kind: ServiceKind): string {
  const folder = mkdtempSync(join(tmpdir(), `troupe-${kind.name.toLowerCase()}-`));
  // Its own account must reach it; nothing in it is worth hiding from the users of a test machine.
  chmodSync(folder, 0o777);
  return folder;
}

async function startOne(kind: ServiceKind, programs: string): Promise<Running> {
  const folder = privateFolder(kind);
  const log = join(folder, "service.log");
  const port = await freePort();
  const recipe = kind.recipe(programs, folder, port, await freePort());
  const processes: ChildProcess[] = [];
  const running = { kind, url: recipe.url, processes, folder };
  try {
    for (const program of recipe.prepare) {
      const child = startProgram(program, log);
      await waitUntil(`${program.path} ends`, () => hasEnded(child), READY_MS);
      if (child.exitCode !== 0) throw new Error(`${program.path} failed`);
    }
    for (const program of recipe.stay) processes.push(startProgram(program, log));
    await waitUntil(
      `${kind.name} answers`,
      () => {
        if (processes.some(hasEnded)) throw new Error(`${kind.name} ended`);
        return answersHandshake("127.0.0.1", port, kind.handshake);
      },
      READY_MS,
    );
    return running;
  } catch (error) {
    const said = existsSync(log) ? readFileSync(log, "utf8").slice(-2000) : "";
    await stopOne(running);
    throw new Error(`${kind.name} could not be started: ${String(error)}\n${said}`, {
      cause: error,
    });
  }
}

/** True if the URL that the environment names leads to a server of that kind. */
export async function isReachable(kind: ServiceKind, url: string | undefined): Promise<boolean> {
  if (url === undefined || url === "") return false;
  const { hostname, port } = new URL(url);
  return answersHandshake(hostname, Number(port), kind.handshake);
}

/**
 * Makes every back end reachable that can be. Resolves when each is up or known to be absent;
 * a service that is installed but does not start counts as absent, with its log as the reason.
 */
export async function startServices(): Promise<Services> {
  const running: Running[] = [];
  const absent: AbsentService[] = [];
  const environment: Record<string, string> = {};
  await Promise.all(
    SERVICE_KINDS.map(async (kind) => {
      const given = process.env[kind.variable];
      if (await isReachable(kind, given)) return;
      const programs = kind.find();
      const { name, optional = false } = kind;
      if (programs === undefined) {
        absent.push({ name, why: "not installed", optional });
        return;
      }
      try {
        const one = await startOne(kind, programs);
        running.push(one);
        environment[kind.variable] = one.url;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        absent.push({ name, why, optional });
      }
    }),
  );
  return {
    environment,
    absent,
    stop: async () => {
      await Promise.all(running.splice(0).map(stopOne));
    },
  };
}

async function runWithServices(command: string, parameters: readonly string[]): Promise<number> {
  const services = await startServices();
  try {
    for (const { name, why } of services.absent) process.stdout.write(`absent: ${name}: ${why}\n`);
    const isMissing = services.absent.some(({ optional }) => !optional);
    if (isMissing && process.env["REQUIRE_BACKENDS"] === "1") return 69;
    const environment = { ...process.env, ...services.environment };
    const child = spawn(command, parameters, { stdio: "inherit", env: environment });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => child.kill(signal));
    }
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => resolve(code ?? 1));
    });
  } finally {
    await services.stop();
  }
}

if (import.meta.main) {
  const [command, ...parameters] = process.argv.slice(2);
  if (command === undefined) {
    process.stderr.write("usage: bun test/services/services.ts <command> [arguments]\n");
    process.exit(64);
  }
  process.exit(await runWithServices(command, parameters));
}
