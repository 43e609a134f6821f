import { describe, expect, test } from "bun:test";
import { KitServer } from "../../test/conformance/host-kit/kit-server.ts";
import { json, valueOf } from "../../test/conformance/host-kit/kit-actors.ts";
import { freePort } from "../../test/support/free-port.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import type { Actor } from "./actor.ts";
import { CallFailure, listenHost, serveHost } from "./host.ts";

/** A turn of `wait` lasts until the test lets it go. */
function waiting(): { readonly actor: Actor; readonly started: () => number; release(): void } {
  const releases: (() => void)[] = [];
  const actor: Actor = {
    type: "waiter",
    actions: {
      wait: () => new Promise((resolve) => releases.push(() => resolve("done"))),
      odd: (ctx) => ctx.send("a/b", "c", 1, { delayMs: Number.NaN }),
      call: async (ctx) => ctx.call("a/b", "c", undefined, { timeoutMs: Number.NaN }),
      get: () => "here",
    },
  };
  return {
    actor,
    started: () => releases.length,
    release: () => {
      for (const release of releases.splice(0)) release();
    },
  };
}

const id = { system: "default", type: "waiter", key: "k" };

async function run(kit: KitServer, action: string): Promise<unknown> {
  const result = await kit.actors.run(id, [kit.actors.turn(id, action, json(null))]);
  const [outcome] = result.outcomes;
  return result.failure ?? outcome?.failure ?? valueOf(outcome?.reply);
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no failure",
    (error: unknown) => error,
  );

describe.each(["websocket", "grpc"] as const)("serveHost by %s", (transport) => {
  test("rejects when the server refuses", async () => {
    await using kit = await KitServer.start();
    const refused = serveHost({
      url: kit.url,
      token: "wrong",
      actors: [waiting().actor],
      transport,
    });
    expect(await failure(refused)).toMatchObject({ name: "CallFailure", code: "unauthenticated" });
    const twice = serveHost({
      url: kit.url,
      token: kit.token,
      actors: [waiting().actor, waiting().actor],
      transport,
    });
    expect(await failure(twice)).toMatchObject({ code: "invalid_argument" });
  });

  test("tries the next address, until it is told to give up", async () => {
    await using kit = await KitServer.start();
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const { actor } = waiting();
    const host = await serveHost({
      url: [nobody, kit.url],
      token: kit.token,
      actors: [actor],
      transport,
    });
    expect(host.attached).toBe(true);
    await host.close();
    const controller = new AbortController();
    const hopeless = serveHost({
      url: nobody,
      actors: [actor],
      transport,
      signal: controller.signal,
    });
    controller.abort();
    expect(await failure(hopeless)).toMatchObject({ code: "canceled" });
  });

  test("close finishes running turns and takes no new ones", async () => {
    await using kit = await KitServer.start();
    const { actor, started, release } = waiting();
    const host = await serveHost({ url: kit.url, token: kit.token, actors: [actor], transport });
    const running = run(kit, "wait");
    await waitUntil("the turn runs", () => started() === 1);
    const closed = host.close();
    await waitUntil("the server knows", () => kit.gate.links[0]?.draining);
    expect(kit.gate.links[0]?.lost).toBeUndefined();
    release();
    expect(await running).toBe("done");
    await closed;
    await waitUntil("the link ends", () => kit.gate.links[0]?.lost !== undefined);
    expect(kit.gate.links).toHaveLength(1);
  });

  test("answers what comes in the frame that says the server is going", async () => {
    await using kit = await KitServer.start();
    const { actor } = waiting();
    const host = await serveHost({ url: kit.url, token: kit.token, actors: [actor], transport });
    const answer = run(kit, "get");
    kit.gate.links[0]?.link.drain();
    expect(await answer).toBe("here");
    await waitUntil("it attaches again", () => kit.gate.links.length === 2);
    await host.close();
  });

  test("tells of a lost connection and attaches again", async () => {
    await using kit = await KitServer.start();
    const reasons: CallFailure[] = [];
    const disconnected = (reason: CallFailure): void => void reasons.push(reason);
    const { actor } = waiting();
    const host = await serveHost({
      url: kit.url,
      token: kit.token,
      actors: [actor],
      transport,
      disconnected,
    });
    kit.gate.links[0]?.link.close("the node is going");
    await waitUntil(
      "it is back",
      () => kit.gate.attached.length === 1 && kit.gate.links.length === 2,
    );
    expect(reasons.map(({ code, message }) => [code, message])).toEqual([
      ["unavailable", "the node is going"],
    ]);
    expect(await run(kit, "get")).toBe("here");
    await host.close();
  });

  test("what the protocol cannot carry fails its turn, and the host goes on", async () => {
    await using kit = await KitServer.start();
    const host = await serveHost({
      url: kit.url,
      token: kit.token,
      actors: [waiting().actor],
      transport,
    });
    expect(await run(kit, "odd")).toMatchObject({ code: "unknown" });
    expect(await run(kit, "call")).toMatchObject({ code: "unknown" });
    expect(await run(kit, "get")).toBe("here");
    expect(kit.gate.links).toHaveLength(1);
    await host.close();
  });
});

describe("listenHost", () => {
  test("rejects, and listens no more, when the server refuses", async () => {
    await using kit = await KitServer.start();
    const server = { url: kit.url, token: "wrong" };
    expect(await failure(listenHost({ port: 0, actors: [waiting().actor], server }))).toMatchObject(
      { code: "unauthenticated" },
    );
  });

  test("answers what is no call of the server with an error", async () => {
    const host = await listenHost({ port: 0, actors: [waiting().actor] });
    const post = (path: string, type: string, body: string) =>
      fetch(host.endpoint + path, { method: "POST", headers: { "content-type": type }, body });
    expect((await post("/troupe.v1.ActorHostService/Execute", "text/plain", "")).status).toBe(415);
    expect(
      (await post("/troupe.v1.ActorHostService/Execute", "application/proto", "\u0001\u0002"))
        .status,
    ).toBe(400);
    expect((await post("/elsewhere", "application/proto", "")).status).toBe(404);
    await host.close();
  });

  test("a failed turn of one invocation leaves the others of its batch", async () => {
    await using kit = await KitServer.start();
    const host = await listenHost({ port: 0, actors: [waiting().actor], server: kit });
    expect(await Promise.all([run(kit, "odd"), run(kit, "get")])).toEqual([
      expect.objectContaining({ code: "unknown" }),
      "here",
    ]);
    await host.close();
  });
});
