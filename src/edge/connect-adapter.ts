import type { DescMessage } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  ConnectError,
  createContextKey,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import type {
  Compression,
  UniversalHandler,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { ServerError, toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { ANONYMOUS, EMPTY_BYTES } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { Clock, HttpRequest, HttpResponse } from "../node/ports.ts";
import { toConnectError } from "./error-map.ts";
import { headerTimeoutMs } from "./gates/deadline.ts";
import {
  type Decompression,
  decompressionFor,
  envelope,
  EnvelopeSplitter,
  inflate,
  open,
} from "./gates/envelope.ts";
import { decodeMessage } from "./gates/message.ts";
import { tooLarge } from "./gates/refusal.ts";
import type { CallChannel } from "./invoke-call.ts";
import { joinBytes } from "./join-bytes.ts";
import { protocolOf, type RpcProtocol } from "./protocols.ts";
import { frameElements } from "./stream-codec.ts";
import { checkProtocolVersion } from "./unary-call.ts";

/** What a method's implementation knows of the channel it was called on. */
export const CHANNEL = createContextKey<CallChannel>(
  { caller: ANONYMOUS, timeoutMs: undefined, traceparent: "", tracestate: "" },
  { description: "channel of the call" },
);

/** Lets our errors leave methods as the library's, with our details; what is one already passes. */
export const serverErrors: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: translated(response.message) } : response;
  } catch (error) {
    throw translate(error);
  }
};

async function* translated<Message>(messages: AsyncIterable<Message>): AsyncIterable<Message> {
  try {
    yield* messages;
  } catch (error) {
    throw translate(error);
  }
}

const translate = (error: unknown): ConnectError =>
  error instanceof ConnectError ? error : toConnectError(toServerError(error));

/** A request for the library: its protocol, and the part of the body that the gates let through. */
interface GatedRequest {
  readonly handler: UniversalHandler;
  readonly protocol: RpcProtocol;
  readonly contentType: string;
  readonly decompression: Decompression | undefined;
  readonly source: AsyncIterable<Uint8Array>;
  readonly limits: Limits;
}

/**
 * Serves RPC methods by connect-es over our listener: every method, every protocol, compression and
 * Connect GET. What the library would answer otherwise than the lean path is settled before it sees
 * the request: deadlines, envelopes, compression and the decoding of messages.
 */
export class ConnectAdapter {
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;
  readonly #compressions: readonly Compression[];
  readonly #limits: Limits;
  readonly #clock: Clock;

  constructor(
    handlers: readonly UniversalHandler[],
    compressions: readonly Compression[],
    limits: Limits,
    clock: Clock,
  ) {
    this.#handlers = new Map(handlers.map((handler) => [handler.requestPath, handler]));
    this.#compressions = compressions;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** True if `path` is the path of one of the methods. */
  serves(path: string): boolean {
    return this.#handlers.has(path);
  }

  /** Answers a request for a path that `serves`. Never throws. */
  serve(path: string, request: HttpRequest, response: HttpResponse, caller: Caller): void {
    const handler = this.#handlers.get(path);
    if (handler === undefined) return response.send(404, {}, EMPTY_BYTES);
    const get = request.method === "GET" && isReadable(handler);
    if (request.method !== "POST" && !get) {
      const allow = isReadable(handler) ? "GET, POST" : "POST";
      return response.send(405, { allow }, EMPTY_BYTES);
    }
    const query = get ? queryOf(request.target) : undefined;
    const contentType = query === undefined ? request.header("content-type") : query.contentType;
    const protocol = protocolOf(contentType);
    if (protocol === undefined || contentType === undefined) {
      return response.send(415, {}, EMPTY_BYTES);
    }
    let channel: CallChannel;
    let gated: GatedRequest;
    try {
      checkProtocolVersion(request, protocol);
      channel = {
        caller,
        timeoutMs: headerTimeoutMs((name) => request.header(name)),
        traceparent: request.header("traceparent") ?? "",
        tracestate: request.header("tracestate") ?? "",
      };
      const encoding =
        query === undefined ? request.header(protocol.encodingHeader) : query.compression;
      gated = {
        handler,
        protocol,
        contentType,
        decompression: decompressionFor(encoding, this.#compressions),
        source: query === undefined ? request.body() : once(query.message),
        limits: messageLimits(handler, this.#limits),
      };
    } catch (error) {
      return protocol.refuse(response, toServerError(error, "not_started"));
    }
    void this.#run(gated, channel, request, response);
  }

  async #run(
    gated: GatedRequest,
    channel: CallChannel,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<void> {
    const abort = new AbortController();
    request.onAborted(() => abort.abort());
    const unary = gated.handler.method.methodKind === "unary";
    const cancelTimer = this.#startTimer(channel.timeoutMs, unary, abort);
    let started = false;
    try {
      const handled = gated.handler({
        httpVersion: request.httpVersion === 2 ? "2.0" : "1.1",
        url: `http://host${pathOf(request.target)}`,
        method: "POST",
        header: plainHeaders(request, gated.contentType),
        body: checkedBody(gated),
        signal: abort.signal,
        contextValues: createContextValues().set(CHANNEL, channel),
      });
      const answer = await (unary ? Promise.race([handled, aborted(abort.signal)]) : handled);
      started = !unary;
      await (unary ? sendWhole(answer, response) : sendStream(answer, response));
    } catch (error) {
      // Once the head is out, only the end of the stream is left to say so.
      if (started) response.reset();
      else gated.protocol.refuse(response, toServerError(error));
    } finally {
      cancelTimer?.();
    }
  }

  /** Ends a call at its deadline; a stream that has none lives as long as its reader. */
  #startTimer(
    timeoutMs: number | undefined,
    unary: boolean,
    abort: AbortController,
  ): (() => void) | undefined {
    const { defaultDeadlineMs, maxDeadlineMs, maxStreamDeadlineMs } = this.#limits;
    if (!unary && timeoutMs === undefined) return undefined;
    const boundMs = unary ? maxDeadlineMs : maxStreamDeadlineMs;
    const delayMs = Math.min(timeoutMs ?? defaultDeadlineMs, boundMs);
    return this.#clock.setTimer(delayMs + (unary ? GRACE_MS : 0), () => abort.abort(ranOut()));
  }
}

/** The node keeps the deadline of invocations itself, and knows what became of them. */
const GRACE_MS = 100;

function ranOut(): ServerError {
  const details = { reason: "DEADLINE_PASSED" };
  return new ServerError("call.deadline", "the deadline has passed", "unknown", details);
}

/** Rejects when `signal` fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

/** A frame of many calls may hold what many calls hold. */
function messageLimits({ method }: UniversalHandler, limits: Limits): Limits {
  if (method.methodKind !== "bidi_streaming") return limits;
  return { ...limits, messageElements: frameElements(limits) };
}

/** Headers of the library's own gates, which ours have replaced, and those of the connection. */
const REPLACED_HEADERS: ReadonlySet<string> = new Set([
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-length",
  "content-type",
  "grpc-encoding",
  "grpc-timeout",
]);

function plainHeaders(request: HttpRequest, contentType: string): Headers {
  const headers = new Headers({ "content-type": contentType });
  for (const [name, value] of request.headers()) {
    if (!name.startsWith(":") && !REPLACED_HEADERS.has(name)) headers.append(name, value);
  }
  return headers;
}

/** The body as the library gets it: uncompressed, and every message known to be one of the method's. */
async function* checkedBody(gated: GatedRequest): AsyncIterable<Uint8Array> {
  try {
    if (gated.protocol.prefixBytes === 0) yield await checkedMessage(gated);
    else yield* checkedEnvelopes(gated);
  } catch (error) {
    throw toConnectError(toServerError(error, "not_started"));
  }
}

async function* checkedEnvelopes(gated: GatedRequest): AsyncIterable<Uint8Array> {
  const { decompression, limits, protocol, handler } = gated;
  const splitter = new EnvelopeSplitter(limits.messageBytes);
  for await (const chunk of gated.source) {
    for (const frame of splitter.push(chunk)) {
      const message = await open(frame, decompression, limits.messageBytes);
      check(handler.method.input, message, protocol, limits);
      yield envelope(0, message);
    }
  }
  splitter.end();
}

async function checkedMessage(gated: GatedRequest): Promise<Uint8Array> {
  const { decompression, limits, protocol, handler } = gated;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of gated.source) {
    length += chunk.length;
    if (length > limits.messageBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const body = joinBytes(chunks);
  const message =
    decompression === undefined ? body : await inflate(body, decompression, limits.messageBytes);
  check(handler.method.input, message, protocol, limits);
  return message;
}

function check(
  input: DescMessage,
  message: Uint8Array,
  protocol: RpcProtocol,
  limits: Limits,
): void {
  decodeMessage(input, message, protocol.json, limits);
}

async function sendWhole(answer: UniversalServerResponse, response: HttpResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) chunks.push(chunk);
  response.send(answer.status, record(answer.header), joinBytes(chunks), trailersOf(answer));
}

async function sendStream(answer: UniversalServerResponse, response: HttpResponse): Promise<void> {
  if (answer.body === undefined) {
    return response.send(answer.status, record(answer.header), EMPTY_BYTES, trailersOf(answer));
  }
  response.start(answer.status, record(answer.header));
  for await (const chunk of answer.body) {
    if (response.closed) return;
    const room = response.write(chunk);
    if (room !== undefined) await room;
  }
  response.end(trailersOf(answer));
}

const trailersOf = ({ trailer }: UniversalServerResponse): Record<string, string> | undefined =>
  trailer === undefined ? undefined : record(trailer);

const record = (headers: Headers | undefined): Record<string, string> =>
  headers === undefined ? {} : Object.fromEntries(headers);

const isReadable = ({ method }: UniversalHandler): boolean =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

interface Query {
  readonly contentType: string | undefined;
  readonly compression: string | undefined;
  readonly message: Uint8Array;
}

/** The message in the query of a Connect GET. */
function queryOf(target: string): Query {
  const params = new URLSearchParams(target.slice(pathOf(target).length));
  const encoding = params.get("encoding");
  const known = encoding === "json" || encoding === "proto";
  const text = params.get("message") ?? "";
  return {
    contentType: known ? `application/${encoding}` : undefined,
    compression: params.get("compression") ?? undefined,
    message: params.get("base64") === "1" ? fromBase64(text) : new TextEncoder().encode(text),
  };
}

/** A text that is no base64 becomes bytes that are no message, and is refused as those are. */
function fromBase64(text: string): Uint8Array {
  try {
    return base64Decode(text);
  } catch {
    return new Uint8Array([0xff]);
  }
}

async function* once(message: Uint8Array): AsyncIterable<Uint8Array> {
  yield message;
}
