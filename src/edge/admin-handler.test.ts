import { afterEach, describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { keptLog } from "../../test/support/edge-server.ts";
import { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import {
  ClusterService,
  GetKeysResponseSchema,
  GetNodeResponseSchema,
  ListHostsResponseSchema,
  ListMembersResponseSchema,
  ListPluginsResponseSchema,
  ListTypesResponseSchema,
} from "../gen/troupe/v1/cluster_pb.ts";
import type { Listener } from "../node/ports.ts";
import { systemClock } from "../platform/clock.ts";
import { listen } from "../platform/http/listen.ts";
import { makeAdminHandler } from "./admin-handler.ts";
import type { AdminHandlerOptions } from "./api-options.ts";

let listener: Listener | undefined;
afterEach(() => listener?.close());

async function start(options: Partial<AdminHandlerOptions> = {}): Promise<string> {
  const nothing = (): void => undefined;
  const handler = makeAdminHandler({
    clock: systemClock,
    log: keptLog([]),
    limits: DEFAULT_LIMITS,
    instruments: { observe: nothing, rejected: nothing, aborted: nothing },
    corsOrigins: [],
    status: () => "running",
    authorize: () => undefined,
    metrics: () => Promise.resolve("up 1\n"),
    statusz: () => ({ store: { kind: "memory" } }),
    cluster: {
      getNode: () => create(GetNodeResponseSchema, { node: "n1" }),
      listMembers: () => create(ListMembersResponseSchema),
      listHosts: () => create(ListHostsResponseSchema),
      listTypes: () => create(ListTypesResponseSchema),
      listPlugins: () => create(ListPluginsResponseSchema),
      getOwner: () => {
        throw new ServerError("actor.unknown", "the type is not known", "not_started");
      },
      getKeys: () => create(GetKeysResponseSchema),
      drain: () => new Promise(() => undefined),
    },
    ...options,
  });
  listener = await listen(
    {
      host: "127.0.0.1",
      port: 0,
      limits: {
        maxConnections: 100,
        maxConnectionsPerAddress: 100,
        maxConcurrentStreams: 100,
        maxHeaderBytes: 16_384,
        maxHeaderCount: 100,
        maxMessageBytes: DEFAULT_LIMITS.messageBytes,
        headerTimeoutMs: 10_000,
        bodyTimeoutMs: 30_000,
        tlsHandshakeTimeoutMs: 10_000,
        idleTimeoutMs: 300_000,
        writeStallMs: 30_000,
      },
    },
    handler,
  );
  return `http://127.0.0.1:${listener.port}`;
}

test("serves metrics, probes and the state of all parts", async () => {
  const url = await start();
  const metrics = await fetch(`${url}/metrics`);
  expect([metrics.headers.get("content-type"), await metrics.text()]).toEqual([
    "text/plain; version=0.0.4; charset=utf-8",
    "up 1\n",
  ]);
  expect(await (await fetch(`${url}/statusz`)).json()).toEqual({
    status: "running",
    checks: {},
    parts: { store: { kind: "memory" } },
  });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
});

test("serves the cluster's methods, and their errors with details", async () => {
  const baseUrl = await start();
  for (const transport of [
    createGrpcTransport({ baseUrl }),
    createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  ]) {
    const cluster = createClient(ClusterService, transport);
    expect((await cluster.getNode({})).node).toBe("n1");
    const error = await cluster.getOwner({}).catch((failure) => ConnectError.from(failure));
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "the type is not known" });
  }
});

test("answers at the deadline even where a method does not", async () => {
  const baseUrl = await start();
  const response = await fetch(`${baseUrl}/troupe.v1.ClusterService/Drain`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": "20" },
    body: "{}",
  });
  expect(response.status).toBe(504);
});

test("lets nobody in without credentials but probes", async () => {
  const url = await start({ authenticate: () => undefined });
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/statusz`)).status).toBe(401);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

describe("who calls is asked about", () => {
  const as = (kind: Caller["kind"]): Partial<AdminHandlerOptions> => ({
    authenticate: () => ({ kind, id: "ann", roles: [] }),
  });
  const denied = (): ServerError => new ServerError("access.denied", "no", "not_started");
  const methods = ClusterService.methods.map(({ name }) => name);
  const call = (url: string, method: string): Promise<Response> =>
    fetch(`${url}/troupe.v1.ClusterService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", "connect-timeout-ms": "50" },
      body: "{}",
    });

  test.each(methods)("%s, and a refusal of the policy is kept to", async (method) => {
    const asked: string[] = [];
    const url = await start({
      ...as("admin"),
      authorize: (_caller, operation) => {
        asked.push(operation);
        return denied();
      },
    });
    expect((await call(url, method)).status).toBe(403);
    expect(asked).toEqual([method]);
  });

  test.each(["client", "host"] as const)("a %s may do none of it", async (kind) => {
    const url = await start(as(kind));
    for (const method of methods) expect((await call(url, method)).status).toBe(403);
  });

  test("metrics and the state of all parts", async () => {
    const asked: string[] = [];
    const authorize = (_caller: Caller, operation: string) => {
      asked.push(operation);
      return denied();
    };
    const url = await start({ ...as("client"), authorize });
    expect((await fetch(`${url}/metrics`)).status).toBe(403);
    expect((await fetch(`${url}/statusz`)).status).toBe(403);
    expect(asked).toEqual(["metrics", "statusz"]);
  });
});
