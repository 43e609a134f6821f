import { ServerError } from "../../domain/error.ts";
import { EMPTY_BYTES } from "../../domain/invocation.ts";
import type { HttpHeaders, HttpRequest, HttpResponse } from "../../node/ports.ts";

const EXPOSED: readonly string[] = [
  "connect-content-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "retry-after",
  "x-troupe-replayed",
  "x-troupe-revision",
];
const METHODS = "GET, POST";
const ALLOWED_HEADERS: readonly string[] = [
  "authorization",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "grpc-timeout",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "x-grpc-web",
  "x-troupe-deadline-ms",
  "x-user-agent",
];
const METADATA_HEADER = /^x-troupe-metadata-[a-z0-9-]+$/;
const PREFLIGHT_SECONDS = "7200";

/** Which browsers may call (Fetch standard, CORS), and for which host names a request may be. */
export class OriginGate {
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string> | undefined;

  constructor(origins: readonly string[], allowedHosts: readonly string[] | undefined) {
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
    this.#hosts = allowedHosts && new Set(allowedHosts.map((host) => host.toLowerCase()));
  }

  /**
   * Why the request may not come in: a page of an origin that is not listed, or, on a loopback
   * listener, a name that is none of its own (DNS rebinding). Undefined if it may. Browsers name no
   * origin where a page only shows or follows an address; then they say whether it is another site's.
   */
  refusal(request: HttpRequest): ServerError | undefined {
    if (this.#hosts !== undefined && !this.#hosts.has(hostName(hostOf(request)))) {
      return denied("HOST_NOT_ALLOWED", "the host of the request is not allowed");
    }
    const origin = request.header("origin");
    const known =
      origin === undefined
        ? request.header("sec-fetch-site") !== "cross-site"
        : this.#isListed(origin) || isSameOrigin(request, origin);
    if (known) return undefined;
    return denied("ORIGIN_NOT_ALLOWED", "the origin of the request is not allowed");
  }

  /** The response, with what the browser needs to show it to a page of a listed origin. */
  open(request: HttpRequest, response: HttpResponse): HttpResponse {
    const origin = request.header("origin");
    if (origin === undefined || !this.#isListed(origin)) return response;
    return new CorsResponse(response, {
      "access-control-allow-origin": origin,
      "access-control-expose-headers": EXPOSED.join(", "),
      vary: "origin",
    });
  }

  /** Answers a preflight; false if the request is none. */
  preflight(request: HttpRequest, response: HttpResponse): boolean {
    if (request.method !== "OPTIONS") return false;
    if (request.header("origin") === undefined) return false;
    if (request.header("access-control-request-method") === undefined) return false;
    response.send(
      204,
      {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": allowedHeaders(request),
        "access-control-max-age": PREFLIGHT_SECONDS,
      },
      EMPTY_BYTES,
    );
    return true;
  }

  #isListed(origin: string): boolean {
    return this.#origins.has(origin.toLowerCase());
  }
}

/** Our headers, and those of the ones asked for that carry metadata under a name of the caller's. */
function allowedHeaders(request: HttpRequest): string {
  const asked = (request.header("access-control-request-headers") ?? "").toLowerCase().split(",");
  const metadata = asked.map((name) => name.trim()).filter((name) => METADATA_HEADER.test(name));
  return [...ALLOWED_HEADERS, ...metadata].join(", ");
}

function denied(reason: string, message: string): ServerError {
  return new ServerError("access.denied", message, "not_started", { reason });
}

const hostOf = (request: HttpRequest): string => (request.header("host") ?? "").toLowerCase();

/** `host:port` or `[v6]:port` without the port. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, "");
}

function isSameOrigin(request: HttpRequest, origin: string): boolean {
  return origin.toLowerCase() === `${request.secure ? "https" : "http"}://${hostOf(request)}`;
}

/** A response whose headers carry what CORS asks for besides. */
class CorsResponse implements HttpResponse {
  readonly #inner: HttpResponse;
  readonly #cors: HttpHeaders;

  constructor(inner: HttpResponse, cors: HttpHeaders) {
    this.#inner = inner;
    this.#cors = cors;
  }

  get closed(): boolean {
    return this.#inner.closed;
  }

  send(
    status: number,
    headers: HttpHeaders,
    body: Uint8Array | string,
    trailers?: HttpHeaders,
  ): void {
    this.#inner.send(status, { ...headers, ...this.#cors }, body, trailers);
  }

  start(status: number, headers: HttpHeaders): void {
    this.#inner.start(status, { ...headers, ...this.#cors });
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#inner.write(chunk);
  }

  end(trailers?: HttpHeaders): void {
    this.#inner.end(trailers);
  }

  reset(): void {
    this.#inner.reset();
  }
}
