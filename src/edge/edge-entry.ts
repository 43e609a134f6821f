import type { ServerError } from "../domain/error.ts";
import { toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { HttpRequest, HttpResponse } from "../node/ports.ts";
import { DEFAULT_EDGE_LIMITS, type EdgeLimits, type EdgeOptions } from "./api-options.ts";
import { Authentication, credentialsOf } from "./authentication.ts";
import { reasonOf } from "./error-map.ts";
import { OriginGate } from "./gates/origin.ts";
import { answerProbe } from "./health.ts";
import { LoggedInstruments } from "./logged-instruments.ts";
import { refuseAsJson, refuseRequest } from "./protocols.ts";

/**
 * The front of a listener, the same for clients and administrators: host and origin, probes, and who
 * calls, in this order and before the body of a request is read.
 */
export class EdgeEntry {
  readonly limits: EdgeLimits;
  readonly instruments: LoggedInstruments;
  readonly authentication: Authentication;
  readonly #options: EdgeOptions;
  readonly #origins: OriginGate;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_EDGE_LIMITS, ...options.edgeLimits };
    this.instruments = new LoggedInstruments(options.instruments, options.log, options.clock);
    this.authentication = new Authentication(options.authenticate, this.limits, options.clock);
    this.#origins = new OriginGate(options.corsOrigins, options.allowedHosts);
  }

  /**
   * The response to answer `request` on, or undefined if it is answered already: refused, a
   * preflight, or a probe.
   */
  admit(path: string, request: HttpRequest, response: HttpResponse): HttpResponse | undefined {
    const refusal = this.originRefusal(request);
    if (refusal !== undefined) {
      refuseAsJson(response, refusal);
      return undefined;
    }
    const open = this.#origins.open(request, response);
    if (this.#origins.preflight(request, open)) return undefined;
    if (request.method === "GET" && answerProbe(path, this.#options, open)) return undefined;
    return open;
  }

  /** Why a request, or the upgrade to a WebSocket, may not come in; undefined if it may. */
  originRefusal(request: HttpRequest): ServerError | undefined {
    const refusal = this.#origins.refusal(request);
    if (refusal !== undefined) this.instruments.rejected("http", reasonOf(refusal));
    return refusal;
  }

  /** Calls `proceed` with the caller, or answers with the refusal. */
  identify(request: HttpRequest, response: HttpResponse, proceed: (caller: Caller) => void): void {
    this.authentication.identify(credentialsOf(request), (found) => {
      if (found instanceof Error) {
        this.instruments.rejected("http", reasonOf(found));
        return refuseRequest(request, response, found);
      }
      try {
        proceed(found);
      } catch (error) {
        this.#broken(request, response, error);
      }
    });
  }

  #broken(request: HttpRequest, response: HttpResponse, error: unknown): void {
    const failure = toServerError(error);
    this.instruments.failed("http", failure);
    refuseRequest(request, response, failure);
  }
}
