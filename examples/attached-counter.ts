// The actors of the host conformance kit, attached from outside. What each action does is written
// down in docs/HOSTS.md; a host in another language does the same.
//
//   node launcher.mjs bun examples/attached-counter.ts [websocket|grpc|tcp|unix:/path]
//
// TROUPE_URL and TROUPE_TOKEN say where the server is and who this host is.
import process from "node:process";
import type { Actor, Payload } from "troupe/actor";
import { listenHost, serveHost } from "troupe/host";

interface Counter {
  count: number;
}

interface TagRequest {
  readonly set?: Record<string, string>;
  readonly remove?: readonly string[];
}

interface CallRequest {
  readonly type: string;
  readonly key: string;
  readonly action: string;
  readonly payload?: unknown;
}

/** Resolves after `ms`, or as soon as nobody waits any more. */
function pause(
  ms: number,
  signal: { addEventListener(type: "abort", listener: () => void): void },
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const counter = {
  type: "kit.counter",
  initial: { count: 0 },
  readOnly: ["get"],
  actions: {
    add(ctx, n: number) {
      ctx.state.count += n;
      return ctx.state.count;
    },
    get: (ctx) => ctx.state.count,
    none: () => undefined,
    // An argument that is no JSON comes as a payload, and goes back as one.
    echo: (_ctx, payload: unknown) => payload,
    big: (_ctx, size: number) => "x".repeat(size),
    fail(ctx, { code, message }: { code: string; message: string }) {
      ctx.state.count = -1;
      ctx.tags["broken"] = "yes";
      ctx.send("kit.counter/elsewhere", "add", 1);
      ctx.fail(code, message);
    },
    async slow(ctx, ms: number) {
      await pause(ms, ctx.signal);
      return "done";
    },
    tags(ctx, { set = {}, remove = [] }: TagRequest) {
      for (const name of remove) delete ctx.tags[name];
      Object.assign(ctx.tags, set);
    },
    remove: (ctx) => ctx.delete(),
    call: (ctx, { type, key, action, payload }: CallRequest) =>
      ctx.call({ type, key }, action, payload),
    context(ctx) {
      ctx.replyMetadata["seen"] = "yes";
      const { key, action, caller, metadata, requestId, idempotencyKey, attempt, revision, tags } =
        ctx;
      const remaining = ctx.remainingMs > 0;
      return {
        key,
        action,
        caller: caller.id,
        roles: caller.roles,
        metadata,
        requestId,
        idempotencyKey,
        attempt,
        revision,
        tags,
        remaining,
      };
    },
    effects(ctx) {
      ctx.send({ type: "kit.counter", key: "a" }, "add", 1, {
        delayMs: 1500,
        requestId: "r-1",
        metadata: { m: "1" },
      });
      ctx.forward("kit.counter/b", "get");
      ctx.pipe("kit.counter/c", "add");
      ctx.broadcast("kit-news", "heard", { hot: true });
      ctx.schedule("tick", { kind: "every", ms: 60_000 }, "add", 1);
      ctx.schedule("once", { kind: "delay", ms: 2500 }, "add", 2);
      ctx.schedule("then", { kind: "at", epochMs: 1_900_000_000_500 }, "add", 3);
      ctx.schedule(
        "noon",
        { kind: "cron", cron: "0 12 * * *", timeZone: "Europe/Berlin" },
        "add",
        4,
        "skip",
      );
      ctx.cancel("tock");
      ctx.checkpoint();
    },
  },
} satisfies Actor<Counter>;

const echo = {
  type: "kit.stateless",
  actions: { echo: (_ctx, payload: Payload) => payload },
} satisfies Actor;

const actors: readonly Actor[] = [counter, echo];
const url = process.env["TROUPE_URL"] ?? "http://127.0.0.1:7700";
const token = process.env["TROUPE_TOKEN"] ?? "";
const transport = process.argv[2] ?? "websocket";

const host =
  transport === "websocket" || transport === "grpc"
    ? await serveHost({ url, token, actors, transport, credit: 50, name: "attached-counter" })
    : await listenHost({
        ...(transport.startsWith("unix:")
          ? { socket: transport.slice("unix:".length) }
          : { port: 0 }),
        actors,
        concurrency: 50,
        name: "dialled-counter",
        server: { url, token },
      });

const stop = (): void => void host.close().then(() => process.exit(0));
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
