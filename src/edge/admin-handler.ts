import { createConnectRouter } from "@connectrpc/connect";
import { toServerError } from "../domain/error.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ClusterService } from "../gen/troupe/v1/cluster_pb.ts";
import type { HttpHandler, HttpRequest, HttpResponse, WebSocketDecision } from "../node/ports.ts";
import { COMPRESSIONS } from "./api-handler.ts";
import type { AdminHandlerOptions } from "./api-options.ts";
import { ConnectAdapter, pathOf, serverErrors } from "./connect-adapter.ts";
import { EdgeEntry } from "./edge-entry.ts";
import { makeHealthService } from "./health.ts";
import { refuseAsJson } from "./protocols.ts";

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
      if (this.#adapter.serves(path)) this.#adapter.serve(path, request, open, caller);
      else void this.#page(path, request, open);
    });
  }

  upgrade(_request: HttpRequest): WebSocketDecision {
    return { kind: "refuse", status: 400, message: "there is no websocket here" };
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
