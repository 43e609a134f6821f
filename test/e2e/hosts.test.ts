import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { hostsOf, startExampleHost } from "./support/example-host.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { outcomeOf } from "./support/ledger-load.ts";
import { startServe, type TroupeServer } from "./support/troupe-process.ts";

const SLOW_MS = 60_000;
const folder = tempDir();
let server: TroupeServer;
beforeAll(async () => {
  server = await startServe(folder.path);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe.each(["websocket", "grpc", "tcp", "unix"])("a host by %s", (name) => {
  const transport = name === "unix" ? `unix:${join(folder.path, "host.sock")}` : name;

  test("HOST-006: that is killed within a turn leaves nothing of it, and its caller hears so", async () => {
    const path = `kit.counter/${name}`;
    const first = await startExampleHost(server, transport);
    expect((await callJson(server.url, `${path}/add`, 5)).value).toBe(5);
    const slow = callJson(server.url, `${path}/slow`, SLOW_MS);
    await waitUntil("the turn runs", async () => (await hostsOf(server))[0]?.in_flight === 1);
    const queued = callJson(server.url, `${path}/add`, 1);
    first.kill("SIGKILL");
    await first.exited;
    const lost = await slow;
    expect(lost.status).toBe(503);
    expect(["OUTCOME_NOT_APPLIED", "OUTCOME_NOT_STARTED"]).toContain(outcomeOf(lost.value) ?? "");
    expect((await queued).status).toBe(503);
    expect(await readJson(server.url, path)).toMatchObject({ value: { count: 5 } });
    await waitUntil("the host is gone", async () => (await hostsOf(server)).length === 0);

    const second = await startExampleHost(server, transport);
    expect((await callJson(server.url, `${path}/add`, 2)).value).toBe(7);
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    await waitUntil("the host has left", async () => (await hostsOf(server)).length === 0);
  });
});
