#!/usr/bin/env node
// Starts Bun without its install script: the platform's binary is found in node_modules and run
// directly. Plain Node, no dependency, so that it works wherever `npm install` has worked.
//
//   node launcher.mjs start [flags]    build if needed, then serve the counter example
//   node launcher.mjs dev [flags]      the same from source, restarted when it changes
//   node launcher.mjs test             everything that can be tested on this machine
//   node launcher.mjs bun <arguments>  any Bun command
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const windows = process.platform === "win32";
const server = join(root, "dist", windows ? "troupe.exe" : "troupe");
const PARENT_CHECK_MS = 250;
const SAME_KEY_PRESS_MS = 1000;

function fail(message) {
  process.stderr.write(`troupe: ${message}\n`);
  process.exit(69);
}

function usesMusl() {
  if (process.platform !== "linux") return false;
  // Without this the report looks up the names of all open connections.
  process.report.excludeNetwork = true;
  return !process.report.getReport().header.glibcVersionRuntime;
}

function bunPackage() {
  const system = windows ? "windows" : process.platform;
  const machine = process.arch === "arm64" ? "aarch64" : process.arch;
  return `@oven/bun-${system}-${machine}${usesMusl() ? "-musl" : ""}`;
}

function bunPath() {
  const name = bunPackage();
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const path = join(dirname(manifest), "bin", windows ? "bun.exe" : "bun");
    if (existsSync(path)) return path;
  } catch {
    // Not installed: said below, in one line.
  }
  return fail(`${name} is not installed, run: npm install --include=optional`);
}

/** Modification time of the newest file below the paths, in milliseconds. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const found = statSync(path);
    const time = found.isDirectory()
      ? newest(readdirSync(path).map((name) => join(path, name)))
      : found.mtimeMs;
    if (time > latest) latest = time;
  }
  return latest;
}

function buildIfStale(bun) {
  const sources = ["src", "plugins", "build.ts", "package.json", "package-lock.json"];
  const built = existsSync(server) ? statSync(server).mtimeMs : 0;
  if (built > newest(sources.map((name) => join(root, name)))) return;
  // Standard output belongs to the server; a build only reports there when it is asked for.
  const result = spawnSync(bun, ["build.ts"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) fail("the build failed, see above");
}

/** The parent of a process, or 0 where the platform does not tell. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    const shown = spawnSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
    return Number(shown.stdout) || 0;
  }
}

/** Who must live for us to live: our parent, and npm where it runs us through a shell. */
function watchedAncestors() {
  const watched = [[() => process.ppid, process.ppid]];
  const npm = parentOf(process.ppid);
  const throughShell =
    process.env.npm_lifecycle_event !== undefined &&
    existsSync(`/proc/${process.ppid}/comm`) &&
    /^(sh|dash|bash)\n/.test(readFileSync(`/proc/${process.ppid}/comm`, "utf8"));
  if (throughShell && npm > 1) watched.push([() => parentOf(watched[0][1]), npm]);
  return watched;
}

/**
 * Ends a program even if this process is killed: `read` returns when our end of the pipe closes. The
 * guard is there before the program is, and learns its process id through the pipe.
 */
function startGuard() {
  if (windows) return undefined;
  const script = 'read -r pid && { read -r _ || kill -TERM "$pid" 2>/dev/null; }';
  const options = { stdio: ["pipe", "ignore", "ignore"], detached: true };
  const guard = spawn("/bin/sh", ["-c", script], options);
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  return guard;
}

/**
 * Runs a program as if it were this process: same streams, signals handed on, same exit code, and
 * never longer than us or our parent. The server gets a process group of its own, so that a key
 * press reaches it once, through us.
 */
function become(path, parameters, isServer) {
  const last = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // npm hands on what the terminal has already sent: one key press, one signal.
      if (Date.now() - (last.get(signal) ?? 0) < SAME_KEY_PRESS_MS) return;
      last.set(signal, Date.now());
      child.kill(signal);
    });
  }
  const guard = startGuard();
  const child = spawn(path, parameters, { stdio: "inherit", detached: isServer && !windows });
  child.on("error", (error) => fail(`cannot run ${path}: ${error.message}`));
  if (child.pid === undefined) return;
  guard?.stdin.write(`${child.pid}\n`);
  if (isServer) process.stdout.write(`troupe: server pid ${child.pid}\n`);
  const watch = setInterval(() => {
    if (watched.every(([current, expected]) => current() === expected)) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_CHECK_MS);
  child.on("exit", (code, signal) => {
    guard?.kill("SIGKILL");
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

// Looked at before anything that takes time, so that a parent that ends meanwhile is noticed.
const watched = watchedAncestors();
const [command, ...rest] = process.argv.slice(2);
const dev = ["dev", join(root, "examples", "counter.ts"), ...rest];
if (command === "start") {
  buildIfStale(bunPath());
  become(server, dev, true);
} else if (command === "dev") {
  become(bunPath(), ["--watch", join(root, "src", "main", "main.ts"), ...dev], true);
} else if (command === "test") {
  become(bunPath(), [join(root, "test", "run.ts"), ...rest], false);
} else if (command === "bun") {
  become(bunPath(), rest, false);
} else {
  process.stderr.write("usage: node launcher.mjs start|dev|test|bun [arguments]\n");
  process.exit(64);
}
