import { createConnectRouter } from "@connectrpc/connect";
import { ServerError, toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ClusterService } from "../gen/troupe/v1/cluster_pb.ts";
import type { HttpHandler, HttpRequest, HttpResponse, WebSocketDecision } from "../node/ports.ts";
import { COMPRESSIONS } from "./api-handler.ts";
import type { AdminHandlerOptions } from "./api-options.ts";
import { ConnectAdapter, pathOf, serverErrors } from "./connect-adapter.ts";
import { EdgeEntry } from "./edge-entry.ts";
import { makeHealthService } from "./health.ts";
import { refuseAsJson, refuseRequest } from "./protocols.ts";

const CLUSTER_PREFIX = `/${ClusterService.typeName}/`;
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What administrators and probes reach: `ClusterService`, metrics, health and the state of all parts. */
export function makeAdminHandler(options: AdminHandlerOptions): HttpHandler {
  return new AdminHandler(options);
}

class AdminHandler implements HttpHandler {
  readonly #options: AdminHandlerOptions;
  readonly #entry: EdgeEntry;
  readonly #adapter: ConnectAdapter;

  constructor(options: AdminHandlerOptions) {
    this.#options = options;
    this.#entry = new EdgeEntry(options);
    const router = createConnectRouter({
      acceptCompression: [...COMPRESSIONS],
      interceptors: [serverErrors],
      readMaxBytes: options.limits.messageBytes,
    });
    router.service(ClusterService, options.cluster);
    router.service(Health, makeHealthService(options, options.clock, undefined));
    this.#adapter = new ConnectAdapter(
      router.handlers,
      COMPRESSIONS,
      options.limits,
      options.clock,
    );
  }

  request(request: HttpRequest, response: HttpResponse): void {
    const path = pathOf(request.target);
    const open = this.#entry.admit(path, request, response);
    if (open === undefined) return;
    this.#entry.identify(request, open, (caller) => {
      const refusal = this.#refusal(path, caller);
      if (refusal !== undefined) return refuseRequest(request, open, refusal);
      if (this.#adapter.serves(path)) this.#adapter.serve(path, request, open, caller);
      else void this.#page(path, request, open);
    });
  }

  upgrade(_request: HttpRequest): WebSocketDecision {
    return { kind: "refuse", status: 400, message: "there is no websocket here" };
  }

  /** Administration is for administrators: a client's or a host's identity is not enough. */
  #refusal(path: string, caller: Caller): ServerError | undefined {
    if (path.startsWith(CLUSTER_PREFIX)) {
      if (caller.kind === "client" || caller.kind === "host") return notAnAdmin();
      return this.#options.authorize(caller, path.slice(CLUSTER_PREFIX.length));
    }
    if (path === "/metrics" || path === "/statusz") {
      return this.#options.authorize(caller, path.slice(1));
    }
    return undefined;
  }

  async #page(path: string, request: HttpRequest, response: HttpResponse): Promise<void> {
    const known = path === "/metrics" || path === "/statusz";
    if (!known) return response.send(404, {}, "");
    if (request.method !== "GET") return response.send(405, { allow: "GET" }, "");
    try {
      if (path === "/metrics") {
        return response.send(200, { "content-type": METRICS_TYPE }, await this.#options.metrics());
      }
      const { status, checks, statusz } = this.#options;
      const page = { status: status(), checks: checks?.() ?? {}, parts: statusz?.() };
      response.send(200, { "content-type": "application/json" }, `${JSON.stringify(page)}\n`);
    } catch (error) {
      refuseAsJson(response, toServerError(error));
    }
  }
}

function notAnAdmin(): ServerError {
  return new ServerError("access.denied", "the caller may not do this", "not_started", {
    reason: "ACCESS_DENIED",
  });
}
