import { readFileSync } from "node:fs";
import type { Caller } from "../../domain/invocation.ts";
import {
  type Authenticate,
  DEFAULT_EDGE_LIMITS,
  type EdgeInstruments,
} from "../../edge/api-options.ts";
import { makeAdminHandler } from "../../edge/admin-handler.ts";
import { makeApiHandler } from "../../edge/api-handler.ts";
import { Authentication } from "../../edge/authentication.ts";
import { ATTACH_PATH, attachHandler } from "../../edge/host-link/attach-stream.ts";
import { attachWebSocket, HOST_SUBPROTOCOL } from "../../edge/host-link/attach-web-socket.ts";
import { DialledHosts } from "../../edge/host-link/dialled-hosts.ts";
import type { HostLinkOptions } from "../../edge/host-link/host-link-options.ts";
import { Registrations } from "../../edge/host-link/registrations.ts";
import { webhookRoute } from "../../edge/webhook-route.ts";
import { isLoopback } from "../../kernel/loopback.ts";
import type { Settings } from "../../kernel/settings.ts";
import type {
  Clock,
  Listener,
  ListenOptions,
  Logger,
  Random,
  TlsMaterial,
} from "../../node/ports.ts";
import { makeDialTransport } from "../../platform/dial-transport.ts";
import { listen } from "../../platform/http/listen.ts";
import type { CallTracing } from "../../edge/invoke-call.ts";
import type { Node } from "../../node/node.ts";
import type { Webhooks } from "../../node/webhooks.ts";
import { makeClusterService, type AdminWorld } from "./cluster-service.ts";
import { callLimits, listenerLimits } from "./limits.ts";

/** What the listeners of one node are made of. */
export interface ListenerWorld {
  readonly settings: Settings;
  readonly node: Node;
  readonly admin: AdminWorld;
  readonly webhooks: Webhooks;
  readonly authenticate: Authenticate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly instruments: EdgeInstruments;
  readonly trace: CallTracing | undefined;
  readonly pageTokenKey: Uint8Array;
  readonly metrics: () => string | Promise<string>;
  readonly statusz: () => unknown;
  readonly checks: () => Readonly<Record<string, string>>;
}

/** The bound listeners and what must end before them. */
export interface BoundListeners {
  readonly client: Listener;
  readonly admin: Listener;
  /** GOAWAY and `connection: close` on both; running requests go on. */
  drain(): void;
  close(): Promise<void>;
  /** Reads the certificate files again. */
  reloadTls(): void;
}

/** Binds the client and the admin listener. Rejects with the errno of the platform. */
export async function bindListeners(world: ListenerWorld): Promise<BoundListeners> {
  const { settings, node } = world;
  const dialled = new DialledHosts(hostLinkOptions(world), makeDialTransport(), "local");
  const client = await listen(
    listenOptions(world, settings.httpAddr),
    makeApiHandler({
      ...edgeOptions(world, settings.httpAddr.host),
      api: node.service,
      trace: world.trace,
      turn: (token) => node.hosts.turn(token),
      pageTokenKey: world.pageTokenKey,
      routes: [
        {
          path: ATTACH_PATH,
          authenticated: false,
          request: attachHandler(hostLinkOptions(world)),
        },
        webhookRoute(world.webhooks, settings.limits.messageBytes, world.log),
      ],
      upgrades: [{ protocol: HOST_SUBPROTOCOL, accept: attachWebSocket(hostLinkOptions(world)) }],
      registerHost: (request, caller: Caller) => dialled.register(request, caller),
      typeHealth: (type) => typeHealth(node, type),
    }),
  );
  const admin = await bindAdmin(world).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  return {
    client,
    admin,
    drain: () => {
      client.drain();
      admin.drain();
    },
    close: async () => {
      dialled.stop();
      await Promise.all([client.close(), admin.close()]);
    },
    reloadTls: () => {
      const material = tlsMaterial(settings);
      if (material === undefined) return;
      client.setTls(material);
      admin.setTls(material);
    },
  };
}

function bindAdmin(world: ListenerWorld): Promise<Listener> {
  const { settings } = world;
  return listen(
    listenOptions(world, settings.adminAddr),
    makeAdminHandler({
      ...edgeOptions(world, settings.adminAddr.host),
      cluster: makeClusterService(world.admin),
      metrics: world.metrics,
      statusz: world.statusz,
    }),
  );
}

function hostLinkOptions(world: ListenerWorld): HostLinkOptions {
  const { node, clock, random, log, settings } = world;
  const limits = callLimits(settings.limits);
  const edgeLimits = { ...DEFAULT_EDGE_LIMITS, tokenBytes: settings.limits.tokenBytes };
  return {
    gate: node.hosts,
    invoker: node.router,
    clock,
    random,
    log,
    limits,
    nodeName: world.admin.nodeName,
    registrations: new Registrations(clock),
    authentication: new Authentication(world.authenticate, edgeLimits, clock),
    ...(world.trace !== undefined && { trace: world.trace }),
  };
}

function edgeOptions(world: ListenerWorld, host: string) {
  const { settings, node, clock, log, instruments, authenticate, checks } = world;
  return {
    clock,
    log,
    limits: callLimits(settings.limits),
    edgeLimits: { tokenBytes: settings.limits.tokenBytes },
    instruments,
    authenticate,
    corsOrigins: settings.corsOrigins,
    allowedHosts: isLoopback(host) ? ["127.0.0.1", "localhost", "[::1]", host] : undefined,
    status: () => node.status,
    checks,
  };
}

function listenOptions(
  world: ListenerWorld,
  address: { readonly host: string; readonly port: number },
): ListenOptions {
  const { settings, instruments } = world;
  const tls = tlsMaterial(settings);
  return {
    host: address.host,
    port: address.port,
    limits: listenerLimits(settings.limits),
    rejected: (reason) => instruments.rejected("connection", reason),
    ...(tls !== undefined && { tls }),
  };
}

function tlsMaterial(settings: Settings): TlsMaterial | undefined {
  const { tlsCert, tlsKey, tlsCa } = settings;
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return {
    cert: readFileSync(tlsCert, "utf8"),
    key: readFileSync(tlsKey, "utf8"),
    ...(tlsCa !== undefined && { ca: readFileSync(tlsCa, "utf8") }),
    clientCertificate: tlsCa === undefined ? "none" : "optional",
  };
}

function typeHealth(node: Node, type: string): boolean | undefined {
  const path = type.includes("/") ? type : `default/${type}`;
  return node.hosts.spec(path) === undefined ? undefined : node.hosts.hasHost(path);
}
