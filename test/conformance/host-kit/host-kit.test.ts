import { expect, test } from "bun:test";
import { join } from "node:path";
import { serveHost } from "../../../src/sdk/host.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { run } from "./check-steps.ts";
import { KitServer } from "./kit-server.ts";
import { runChecks } from "./run-checks.ts";

const ROOT = join(import.meta.dir, "..", "..", "..");
const KIT_TIMEOUT_MS = 60_000;

/** Runs the whole kit against a command; what failed, with why. */
async function failures(command: readonly string[]): Promise<string[]> {
  await using kit = await KitServer.start();
  const host = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, TROUPE_URL: kit.url, TROUPE_TOKEN: kit.token },
    stdout: "inherit",
    stderr: "inherit",
  });
  try {
    const results = await runChecks(kit);
    expect(results.length).toBeGreaterThan(15);
    return results.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`${name}: ${problem}`],
    );
  } finally {
    host.kill();
    await host.exited;
  }
}

test.each(["websocket", "grpc", "tcp"])(
  "the example host passes the kit by %s",
  async (transport) => {
    expect(await failures([process.execPath, "examples/attached-counter.ts", transport])).toEqual(
      [],
    );
  },
  KIT_TIMEOUT_MS,
);

test(
  "the example host passes the kit by a Unix socket",
  async () => {
    using folder = tempDir();
    const endpoint = `unix:${join(folder.path, "host.sock")}`;
    expect(await failures([process.execPath, "examples/attached-counter.ts", endpoint])).toEqual(
      [],
    );
  },
  KIT_TIMEOUT_MS,
);

test(
  "a host that answers everything with its argument does not pass",
  async () => {
    await using kit = await KitServer.start();
    const actions = Object.fromEntries(
      [
        "add",
        "get",
        "none",
        "echo",
        "big",
        "fail",
        "slow",
        "tags",
        "remove",
        "call",
        "context",
        "effects",
      ].map((name) => [name, (_ctx: unknown, value: unknown) => value]),
    );
    const types = ["kit.counter", "kit.stateless"].map((type) => ({ type, actions }));
    const host = await serveHost({ url: kit.url, token: kit.token, actors: types });
    const results = await runChecks(kit);
    await host.close();
    const passed = results.filter(({ problem }) => problem === undefined).map(({ name }) => name);
    expect(passed.toSorted()).toEqual([
      "an empty reply is empty",
      "an unknown action is `unimplemented`",
      "answers 500 invocations that come at once, in batches",
      "gives back the credit of every turn, of failed ones too",
      "goes on when an invocation is taken back, and gives its credit back",
      "payloads of any type come back byte by byte",
      "serves a stateless type",
    ]);
  },
  KIT_TIMEOUT_MS,
);

test.each(["websocket", "grpc", "tcp"])(
  "a host that is killed in a turn by %s is lost, and nothing was kept",
  async (transport) => {
    await using kit = await KitServer.start();
    const host = Bun.spawn([process.execPath, "examples/attached-counter.ts", transport], {
      cwd: ROOT,
      env: { ...process.env, TROUPE_URL: kit.url, TROUPE_TOKEN: kit.token },
      stderr: "inherit",
    });
    const link = await waitUntil("the host is there", () => kit.gate.attached[0]);
    const failed = run(kit, "killed", [
      ["add", 1],
      ["slow", 20_000],
    ]).catch((error: unknown) => error);
    // The call that is answered shows that the slow one, sent before it, has begun.
    if (transport !== "tcp") await run(kit, "other", [["get"]]);
    host.kill("SIGKILL");
    expect(await failed).toMatchObject({ code: "host.unavailable", outcome: "not_applied" });
    expect(link.lost).toBeDefined();
    await host.exited;
  },
);
