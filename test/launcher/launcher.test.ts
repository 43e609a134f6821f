import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** A server that says what it was started with, then what it is told. */
const SERVER = `#!/bin/sh
echo "arguments: $*"
trap 'echo interrupted; exit 7' INT
trap 'echo terminated; exit 9' TERM
echo ready
while :; do sleep 0.05; done
`;

/** The same as source, which hears a second signal if there is one. */
const SOURCE = `process.on("SIGINT", () => {
  console.log("interrupted");
  setTimeout(() => process.exit(7), 300);
});
console.log("ready");
setInterval(() => undefined, 1000);
`;

const folder = tempDir();
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A process that has ended and was not yet reaped is gone as well.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly serverPid: number;
}

/** `detached` gives it a process group of its own, as a terminal does. */
async function start(command: readonly string[], detached = false): Promise<Started> {
  const [path = "", ...parameters] = command;
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(path, parameters, { cwd: folder.path, stdio: [...stdio], detached });
  let text = "";
  const collect = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  await waitUntil("the server is ready", () => /ready\n/.test(text) && /pid \d+\n/.test(text));
  const serverPid = Number(/server pid (\d+)/.exec(text)?.[1]);
  return { child, said: () => text, serverPid };
}

const ended = ({ child }: Started): Promise<number> =>
  waitUntil("the launcher ends", () => child.exitCode ?? undefined);

beforeAll(() => {
  for (const name of ["dist", "src", "node_modules"]) mkdirSync(join(folder.path, name));
  symlinkSync(join(ROOT, "node_modules", "@oven"), join(folder.path, "node_modules", "@oven"));
  cpSync(join(ROOT, "launcher.mjs"), join(folder.path, "launcher.mjs"));
  writeFileSync(join(folder.path, "package.json"), "{}");
  // Builds the server: it is stale until the first start.
  const build = `await Bun.write("dist/troupe", ${JSON.stringify(SERVER)}); (await import("node:fs")).chmodSync("dist/troupe", 0o755);`;
  writeFileSync(join(folder.path, "build.ts"), build);
});
afterAll(() => folder[Symbol.dispose]());

const START = ["node", "launcher.mjs", "start", "--flag", "value"];

describe("the launcher", () => {
  test("builds, says the server's process id, and hands on arguments, signals and the exit code", async () => {
    const started = await start(START);
    expect(isAlive(started.serverPid)).toBe(true);
    const example = join("examples", "counter.ts");
    expect(started.said()).toMatch(new RegExp(`arguments: dev \\S*${example} --flag value`));
    started.child.kill("SIGINT");
    expect(await ended(started)).toBe(7);
    expect(started.said()).toContain("interrupted");
    expect(isAlive(started.serverPid)).toBe(false);
  });

  test("hands on SIGTERM", async () => {
    const started = await start(START);
    started.child.kill("SIGTERM");
    expect(await ended(started)).toBe(9);
  });

  test("takes the server with it when it is killed", async () => {
    const started = await start(START);
    started.child.kill("SIGKILL");
    await waitUntil("the server ends", () => !isAlive(started.serverPid));
  });

  test("ends with its parent", async () => {
    const started = await start(["/bin/sh", "-c", `${START.join(" ")} & wait`]);
    started.child.kill("SIGKILL");
    await waitUntil("the server ends", () => !isAlive(started.serverPid));
    expect(started.said()).toContain("terminated");
  });

  test("builds again only when a source is newer", async () => {
    const server = join(folder.path, "dist", "troupe");
    writeFileSync(server, SERVER.replace("ready", "ready\necho kept"));
    chmodSync(server, 0o755);
    const kept = await start(START);
    await waitUntil("the built server runs", () => kept.said().includes("kept"));
    kept.child.kill("SIGTERM");
    await ended(kept);
    writeFileSync(join(folder.path, "src", "new.ts"), "");
    const rebuilt = await start(START);
    rebuilt.child.kill("SIGTERM");
    await ended(rebuilt);
    expect(rebuilt.said()).not.toContain("kept");
  });

  test.each(["start", "dev"])(
    "%s: a key press, which reaches the whole group, is one signal",
    async (command) => {
      mkdirSync(join(folder.path, "src", "main"), { recursive: true });
      writeFileSync(join(folder.path, "src", "main", "main.ts"), SOURCE);
      const started = await start(["node", "launcher.mjs", command], true);
      process.kill(-(started.child.pid ?? Number.NaN), "SIGINT");
      expect(await ended(started)).toBe(7);
      expect(started.said().match(/interrupted/g)).toHaveLength(1);
    },
  );

  test("says in one line what is missing", async () => {
    using empty = tempDir();
    cpSync(join(ROOT, "launcher.mjs"), join(empty.path, "launcher.mjs"));
    const child = Bun.spawn(["node", "launcher.mjs", "bun", "--version"], {
      cwd: empty.path,
      stderr: "pipe",
    });
    const said = await new Response(child.stderr).text();
    expect(await child.exited).toBe(69);
    expect(said).toMatch(
      /^troupe: @oven\/bun-\S+ is not installed, run: npm install --include=optional\n$/,
    );
  });
});
