import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ActorService } from "../../src/gen/troupe/v1/actor_pb.ts";
import { ErrorDetailSchema, Outcome } from "../../src/gen/troupe/v1/invocation_pb.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { startDev, TroupeProcess, type TroupeServer } from "./support/troupe-process.ts";

/** `hold` says that it runs by one file, and goes on when there is the other. */
const HELD = `
  import { existsSync, writeFileSync } from "node:fs";
  export default { type: "held", initial: { turns: 0 }, actions: {
    async hold(ctx, name) {
      writeFileSync(name + ".runs", "");
      while (!existsSync(name + ".go")) await new Promise((resolve) => setTimeout(resolve, 5));
      return (ctx.state.turns += 1);
    },
    now: (ctx) => (ctx.state.turns += 1),
  } };`;

interface Held extends AsyncDisposable {
  readonly server: TroupeServer;
  readonly path: (name: string) => string;
  /** Starts a turn that runs until `release`, and waits until it does. */
  hold(key: string): Promise<{ readonly answer: ReturnType<typeof callJson>; release(): void }>;
}

async function startHeld(...args: readonly string[]): Promise<Held> {
  const folder = tempDir();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path("held.ts"), HELD);
  const server = await startDev(folder.path, ["held.ts"], { args });
  return {
    server,
    path,
    hold: async (key) => {
      const answer = callJson(server.url, `held/${key}/hold`, path(key));
      answer.catch(() => undefined);
      await waitUntil("the turn runs", () => Bun.file(path(`${key}.runs`)).exists());
      return { answer, release: () => writeFileSync(path(`${key}.go`), "") };
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/**
 * How the node refuses a call on a connection of its own; `undefined` while the call is taken, or
 * when the connection was closed under it (a GOAWAY may cross the request): then ask again.
 */
async function refusal(server: TroupeServer) {
  const transport = createConnectTransport({ baseUrl: server.url, httpVersion: "2" });
  try {
    const actor = { type: "held", key: "b" };
    await createClient(ActorService, transport).invoke({ actor, action: "now" });
    return undefined;
  } catch (error) {
    const failure = ConnectError.from(error);
    const [detail] = failure.findDetails(ErrorDetailSchema);
    if (detail === undefined) return undefined;
    return { code: failure.code, reason: detail.reason, outcome: detail.outcome };
  }
}

const readiness = async (server: TroupeServer): Promise<unknown> => {
  const response = await fetch(`${server.url}/readyz`);
  const { status } = (await response.json()) as { status: string };
  return [response.status, status];
};

test("a running turn finishes and is answered, new calls are refused, and the exit is clean", async () => {
  await using held = await startHeld();
  const { server } = held;
  const turn = await held.hold("a");
  server.signal("SIGTERM");
  const refused = await waitUntil("new calls are refused", () => refusal(server));
  expect(refused).toEqual({
    code: Code.Unavailable,
    reason: "DRAINING",
    outcome: Outcome.NOT_STARTED,
  });
  turn.release();
  expect(await turn.answer).toMatchObject({ status: 200, value: 1, revision: 1 });
  expect((await server.ended()).code).toBe(0);
});

test("what was answered while stopping is there at the next start", async () => {
  using folder = tempDir();
  writeFileSync(join(folder.path, "held.ts"), HELD);
  {
    await using server = await startDev(folder.path, ["held.ts"]);
    expect((await callJson(server.url, "held/a/now")).value).toBe(1);
    server.signal("SIGINT");
    expect((await server.ended()).code).toBe(0);
  }
  await using server = await startDev(folder.path, ["held.ts"]);
  expect(await readJson(server.url, "held/a")).toMatchObject({ value: { turns: 1 }, revision: 1 });
});

test("readiness goes off at once, and calls are served for the delay", async () => {
  await using held = await startHeld("--shutdown-delay", "20s");
  const { server } = held;
  expect(await readiness(server)).toEqual([200, "running"]);
  server.signal("SIGTERM");
  await waitUntil("it is not ready", async () => {
    const [status, text] = (await readiness(server)) as [number, string];
    return status === 503 && text === "draining";
  });
  expect(await callJson(server.url, "held/a/now")).toMatchObject({ status: 200, value: 1 });
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
});

test("a second signal ends it at once with 75, whatever runs", async () => {
  await using held = await startHeld();
  const { server } = held;
  await held.hold("a");
  server.signal("SIGTERM");
  await waitUntil("the drain has begun", () => server.logged("node.draining").length === 1);
  expect(server.running).toBe(true);
  server.signal("SIGINT");
  expect((await server.ended(5_000)).code).toBe(75);
});

test("a turn that outlasts the time-out is abandoned, with 75", async () => {
  await using held = await startHeld("--shutdown-timeout", "200ms");
  const { server } = held;
  await held.hold("a");
  server.signal("SIGTERM");
  expect((await server.ended(10_000)).code).toBe(75);
  expect(server.logged("drain.timeout")).toHaveLength(1);
});

test("a drain by the admin API is graceful too, and a signal after it does not cut it short", async () => {
  await using held = await startHeld();
  const { server } = held;
  const turn = await held.hold("a");
  const asked = await fetch(`${server.adminUrl}/troupe.v1.ClusterService/Drain`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(asked.status).toBe(200);
  await waitUntil("the drain has begun", () => server.logged("node.draining").length === 1);
  server.signal("SIGTERM");
  await waitUntil("the signal is seen", () => server.logged("signal").length === 1);
  turn.release();
  expect((await turn.answer).status).toBe(200);
  expect((await server.ended()).code).toBe(0);
});

test.each([
  ["one signal while it starts ends it as soon as it has started", 1, 0],
  ["two signals end it at once", 2, 75],
])("%s", async (_name, signals, code) => {
  using folder = tempDir();
  const path = (name: string): string => join(folder.path, name);
  const source = `
    import { existsSync, writeFileSync } from "node:fs";
    export default { contract: "balancer@1", name: "slow", stability: "experimental", doc: "A test.",
      options: {}, create: () => ({ choose: () => 0, start: async () => {
        writeFileSync(${JSON.stringify(path("starting"))}, "");
        while (!existsSync(${JSON.stringify(path("go"))})) await new Promise((r) => setTimeout(r, 5));
      } }) };`;
  writeFileSync(path("slow.ts"), source, { mode: 0o644 });
  const env = { TROUPE_PLUGINS: path("slow.ts"), TROUPE_BALANCER: "slow" };
  const args = ["dev", "--http-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"];
  await using server = new TroupeProcess({ cwd: folder.path, args, env });
  await waitUntil("it starts", () => Bun.file(path("starting")).exists());
  for (let sent = 1; sent <= signals; sent += 1) {
    server.signal("SIGTERM");
    await waitUntil("the signal is seen", () => server.logged("signal").length === sent);
  }
  if (signals === 1) writeFileSync(path("go"), "");
  expect((await server.ended(10_000)).code).toBe(code);
});
