import type { ServerError } from "../domain/error.ts";
import { toServerError } from "../domain/error.ts";
import type { Caller, Payload, Reply } from "../domain/invocation.ts";
import { EMPTY_PAYLOAD, JSON_TYPE } from "../domain/invocation.ts";
import type { BodyFailure, HttpHeaders, HttpRequest, HttpResponse } from "../node/ports.ts";
import type { CallEnd } from "./calls.ts";
import { reasonOf } from "./error-map.ts";
import { headerTimeoutMs } from "./gates/deadline.ts";
import { checkJsonValue } from "./gates/json.ts";
import { refuse, unsupported } from "./gates/refusal.ts";
import { BLANK_CALL, type CallChannel, type InvokeCall } from "./invoke-call.ts";
import { stateCall } from "./invoke-codec.ts";
import { refuseAsJson } from "./protocols.ts";
import { RequestSignal } from "./request-signal.ts";
import { bodyFailure, type UnaryShared } from "./unary-call.ts";

/** Where the path of a request points: an action to call, or a state to read. */
export interface JsonTarget {
  readonly kind: "call" | "state";
  readonly system: string;
  readonly type: string;
  readonly key: string;
  readonly action: string;
}

const PREFIX = "/v1/";
const METADATA_PREFIX = "x-troupe-metadata-";
const JSON_CONTENT = /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?$/i;
/** What plain HTTP says of a body, where the RPC protocols have a code in common with others. */
const BODY_STATUSES: Readonly<Record<string, number>> = {
  MESSAGE_TOO_LARGE: 413,
  BODY_TIMEOUT: 408,
  CONTENT_TYPE: 415,
};
const ACCEPTED: HttpHeaders = Object.freeze({ "accept-post": JSON_TYPE });

/**
 * The target of `/v1/[system/]type/key/action` (POST) or `/v1/[system/]type/key` (GET); undefined if
 * the path has another shape. Throws `ServerError` if a segment is no percent-encoded UTF-8.
 */
export function jsonTarget(path: string, kind: JsonTarget["kind"]): JsonTarget | undefined {
  if (!path.startsWith(PREFIX)) return undefined;
  const parts = path.slice(PREFIX.length).split("/");
  const short = kind === "call" ? 3 : 2;
  if (parts.length === short) parts.unshift("");
  if (parts.length !== short + 1) return undefined;
  const [system = "", type = "", key = "", action = ""] = parts.map(decodeSegment);
  // In a URL a slash separates, however it is written; other keys go through the RPC.
  if (key.includes("/") || key.includes("\\") || key === "." || key === "..")
    throw refuse("ID_CHARSET");
  return { kind, system, type, key, action };
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refuse("ID_CHARSET");
  }
}

/** One call or one read over plain HTTP and JSON, from the request to the answer. */
export class JsonCall implements CallEnd {
  readonly #shared: UnaryShared;
  readonly #target: JsonTarget;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #caller: Caller;

  constructor(
    shared: UnaryShared,
    target: JsonTarget,
    request: HttpRequest,
    response: HttpResponse,
    caller: Caller,
  ) {
    this.#shared = shared;
    this.#target = target;
    this.#request = request;
    this.#response = response;
    this.#caller = caller;
  }

  /** Reads the request and sees to it that exactly one answer is sent. Never throws. */
  start(): void {
    if (this.#target.kind === "state") return this.#run(EMPTY_PAYLOAD);
    const encoding = this.#request.header("content-encoding");
    if (encoding !== undefined && encoding !== "identity") {
      return this.#reject(unsupported("json routes take no compressed body", "COMPRESSION"));
    }
    this.#request.readBody(this.#shared.limits.messageBytes, (failure, body) =>
      this.#received(failure, body),
    );
  }

  reply({ payload, revision, replayed, durable, tags }: Reply): void {
    const headers: Record<string, string> = { "x-troupe-revision": String(revision) };
    if (replayed) headers["x-troupe-replayed"] = "true";
    if (!durable) headers["x-troupe-durable"] = "false";
    if (tags !== undefined && Object.keys(tags).length > 0) {
      headers["x-troupe-tags"] = encodeURIComponent(JSON.stringify(tags));
    }
    if (payload.data.length === 0 && payload.type === "") {
      return this.#response.send(204, headers, "");
    }
    headers["content-type"] = payload.type === "" ? JSON_TYPE : contentTypeOf(payload.type);
    this.#response.send(200, headers, payload.data);
  }

  refuse(error: ServerError): void {
    const reason = error.details.reason ?? "";
    const headers = reason === "CONTENT_TYPE" ? ACCEPTED : undefined;
    refuseAsJson(this.#response, error, BODY_STATUSES[reason], headers);
  }

  #received(failure: BodyFailure | undefined, body: Uint8Array): void {
    if (failure === "aborted") return this.#shared.instruments.aborted("read");
    if (failure !== undefined) return this.#reject(bodyFailure(failure));
    const contentType = this.#request.header("content-type");
    const untyped = contentType === undefined && body.length === 0;
    if (!untyped && !JSON_CONTENT.test(contentType ?? "")) {
      return this.#reject(refuse("CONTENT_TYPE"));
    }
    if (body.length === 0) return this.#run(EMPTY_PAYLOAD);
    try {
      const { messageDepth } = this.#shared.limits;
      checkJsonValue(body, { depth: messageDepth, elements: Number.POSITIVE_INFINITY });
    } catch (error) {
      return this.#reject(toServerError(error, "not_started"));
    }
    this.#run({ type: JSON_TYPE, data: body });
  }

  #run(payload: Payload): void {
    const { kind, system, type, key, action } = this.#target;
    const request = this.#request;
    let call: InvokeCall;
    let channel: CallChannel;
    try {
      const from = kind === "state" ? stateCall() : BLANK_CALL;
      const requestId = request.header("idempotency-key") ?? "";
      const metadata = this.#metadata();
      const named = kind === "state" ? from.action : action;
      call = { ...from, system, type, key, action: named, payload, requestId, metadata };
      channel = {
        caller: this.#caller,
        timeoutMs: headerTimeoutMs((name) => request.header(name)),
        traceparent: request.header("traceparent") ?? "",
        tracestate: request.header("tracestate") ?? "",
      };
    } catch (error) {
      return this.#reject(toServerError(error, "not_started"));
    }
    const signal = new RequestSignal(request, this.#response);
    this.#shared.calls.run(kind === "state" ? "GetState" : "Invoke", call, channel, signal, this);
  }

  #metadata(): Record<string, string> {
    const metadata: Record<string, string> = {};
    for (const [name, value] of this.#request.headers()) {
      if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = value;
    }
    return metadata;
  }

  #reject(error: ServerError): void {
    this.#shared.instruments.rejected("json", reasonOf(error));
    this.refuse(error);
  }
}

/** A payload that is no JSON is sent as the bytes it is. */
const contentTypeOf = (type: string): string =>
  type === JSON_TYPE ? JSON_TYPE : "application/octet-stream";
