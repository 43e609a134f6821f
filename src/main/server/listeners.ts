import { ServerError } from "../../domain/error.ts";
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
  HttpHandler,
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
import { readTlsFiles } from "./tls-files.ts";

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
  /** New connections get these certificates. */
  setTls(material: TlsMaterial): void;
}

/**
 * Binds the client listener (two, if gRPC has an address of its own) and the admin listener. Rejects
 * with the errno of the platform; nothing stays bound then.
 */
export async function bindListeners(world: ListenerWorld): Promise<BoundListeners> {
  const { settings } = world;
  const links = hostLinkOptions(world);
  const transport = makeDialTransport();
  const dialled = new DialledHosts(links, transport, "local");
  const bound: Listener[] = [];
  const bind = async (address: Address, handler: HttpHandler): Promise<Listener> => {
    const reusePort = settings.reusePort && address !== settings.adminAddr;
    const listener = await listen({ ...listenOptions(world, address), reusePort }, handler);
    bound.push(listener);
    return listener;
  };
  const close = async (): Promise<void> => {
    dialled.stop();
    transport.close();
    await Promise.all(bound.map((listener) => listener.close()));
  };
  try {
    // Each address is asked for by names of its own, so each has a handler of its own.
    const handlerOf = ({ host }: Address) => clientHandler(world, links, dialled, host);
    const client = await bind(settings.httpAddr, handlerOf(settings.httpAddr));
    if (settings.grpcAddr !== undefined) {
      await bind(settings.grpcAddr, handlerOf(settings.grpcAddr));
    }
    const admin = await bind(settings.adminAddr, adminHandler(world));
    return {
      client,
      admin,
      drain: () => {
        for (const listener of bound) listener.drain();
      },
      close,
      setTls: (material) => {
        for (const listener of bound) listener.setTls(material);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function clientHandler(
  world: ListenerWorld,
  links: HostLinkOptions,
  dialled: DialledHosts,
  host: string,
): HttpHandler {
  const { settings, node } = world;
  return makeApiHandler({
    ...edgeOptions(world, host),
    api: node.service,
    trace: world.trace,
    turn: (token) => node.hosts.turn(token),
    pageTokenKey: world.pageTokenKey,
    routes: [
      { path: ATTACH_PATH, authenticated: false, request: attachHandler(links) },
      webhookRoute(world.webhooks, settings.limits.messageBytes, world.log),
    ],
    upgrades: [{ protocol: HOST_SUBPROTOCOL, accept: attachWebSocket(links) }],
    registerHost: (request, caller) => dialled.register(request, caller),
    typeHealth: (type) => typeHealth(node, type),
  });
}

function adminHandler(world: ListenerWorld): HttpHandler {
  return makeAdminHandler({
    ...edgeOptions(world, world.settings.adminAddr.host),
    authorize: (caller, operation) =>
      world.node.router.authorize({ kind: "admin", caller, operation }),
    cluster: makeClusterService(world.admin),
    metrics: world.metrics,
    statusz: world.statusz,
  });
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

type Address = Settings["httpAddr"];

function listenOptions(world: ListenerWorld, address: Address): ListenOptions {
  const { settings, instruments, clock } = world;
  const tls = tlsMaterial(settings, clock.wallMs());
  return {
    host: address.host,
    port: address.port,
    limits: listenerLimits(settings.limits),
    rejected: (reason) => instruments.rejected("connection", reason),
    ...(tls !== undefined && { tls }),
  };
}

function tlsMaterial(settings: Settings, nowMs: number): TlsMaterial | undefined {
  const read = readTlsFiles(settings, nowMs);
  if (read.kind === "fault") {
    const { reason, message } = read.fault;
    throw new ServerError("request.invalid", message, "not_started", { reason });
  }
  return read.kind === "material" ? read.material : undefined;
}

function typeHealth(node: Node, type: string): boolean | undefined {
  const path = type.includes("/") ? type : `default/${type}`;
  return node.hosts.spec(path) === undefined ? undefined : node.hosts.hasHost(path);
}
