import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { ServerError } from "../domain/error.ts";
import { EMPTY_BYTES } from "../domain/invocation.ts";
import type { HttpHeaders, HttpRequest, HttpResponse } from "../node/ports.ts";
import { connectCodeOf, retryHeaders, STATUSES, toConnectError } from "./error-map.ts";
import { envelope, PREFIX_BYTES, unwrapSingle } from "./gates/envelope.ts";
import { refuse } from "./gates/refusal.ts";
import { joinBytes } from "./join-bytes.ts";

/** How one protocol takes a unary request apart and puts its answer together. */
export interface RpcProtocol {
  readonly name: "connect" | "grpc" | "grpc-web";
  readonly json: boolean;
  /** Bytes that `reply` fills in before the message. */
  readonly prefixBytes: 0 | 5;
  readonly encodingHeader: string;
  /** The largest body of a unary request whose message has at most `messageBytes`. */
  bodyBytes(messageBytes: number): number;
  /** The message inside the body of a unary request. Throws `ServerError`. */
  unwrap(body: Uint8Array): Uint8Array;
  /** Answers with the message that follows `prefixBytes` free bytes. */
  reply(response: HttpResponse, message: Uint8Array): void;
  refuse(response: HttpResponse, error: ServerError): void;
}

const TRAILERS_FLAG = 0x80;
const END_STREAM_FLAG = 0x02;
const OK_TRAILERS: HttpHeaders = Object.freeze({ "grpc-status": "0" });
const JSON_HEADERS: HttpHeaders = Object.freeze({ "content-type": "application/json" });
const UTF8 = new TextEncoder();
const OK_WEB_TRAILERS = envelope(TRAILERS_FLAG, UTF8.encode("grpc-status: 0\r\n"));

/** Answers with the error as Connect writes it, at the HTTP status that belongs to its code. */
export function refuseAsJson(
  response: HttpResponse,
  error: ServerError,
  status?: number,
  headers?: HttpHeaders,
): void {
  response.send(
    status ?? STATUSES[connectCodeOf(error)].http,
    { ...JSON_HEADERS, ...retryHeaders(error), ...headers },
    errorToJsonBytes(toConnectError(error), undefined),
  );
}

/** The trailers in which gRPC carries an error. */
export function grpcTrailers(error: ServerError): HttpHeaders {
  const trailers = new Headers();
  setTrailerStatus(trailers, toConnectError(error));
  return Object.fromEntries(trailers);
}

/** The last envelope of a stream of the Connect protocol. */
export function endOfConnectStream(error: ServerError | undefined): Uint8Array {
  if (error === undefined) return envelope(END_STREAM_FLAG, UTF8.encode("{}"));
  const json = new TextDecoder().decode(errorToJsonBytes(toConnectError(error), undefined));
  return envelope(END_STREAM_FLAG, UTF8.encode(`{"error":${json}}`));
}

function connectUnary(contentType: string, json: boolean): RpcProtocol {
  const headers = Object.freeze({ "content-type": contentType });
  return {
    name: "connect",
    json,
    prefixBytes: 0,
    encodingHeader: "content-encoding",
    bodyBytes: (messageBytes) => messageBytes,
    unwrap: (body) => body,
    reply: (response, message) => response.send(200, headers, message),
    refuse: (response, error) => refuseAsJson(response, error),
  };
}

function connectStream(contentType: string, json: boolean): RpcProtocol {
  const headers = Object.freeze({ "content-type": contentType });
  const send = (response: HttpResponse, bytes: Uint8Array): void =>
    response.send(200, headers, bytes);
  return {
    name: "connect",
    json,
    prefixBytes: 5,
    encodingHeader: "connect-content-encoding",
    bodyBytes: (messageBytes) => messageBytes + PREFIX_BYTES,
    unwrap: unwrapSingle,
    reply: (response, message) =>
      send(response, joinBytes([withPrefix(message), endOfConnectStream(undefined)])),
    refuse: (response, error) => send(response, endOfConnectStream(error)),
  };
}

function grpc(contentType: string, json: boolean): RpcProtocol {
  const headers = Object.freeze({ "content-type": contentType });
  return {
    name: "grpc",
    json,
    prefixBytes: 5,
    encodingHeader: "grpc-encoding",
    bodyBytes: (messageBytes) => messageBytes + PREFIX_BYTES,
    unwrap: unwrapSingle,
    reply: (response, message) => response.send(200, headers, withPrefix(message), OK_TRAILERS),
    refuse: (response, error) => response.send(200, headers, EMPTY_BYTES, grpcTrailers(error)),
  };
}

function grpcWeb(contentType: string, json: boolean, text: boolean): RpcProtocol {
  const headers = Object.freeze({ "content-type": contentType });
  const send = (response: HttpResponse, bytes: Uint8Array): void =>
    response.send(200, headers, text ? base64Encode(bytes) : bytes);
  return {
    name: "grpc-web",
    json,
    prefixBytes: 5,
    encodingHeader: "grpc-encoding",
    bodyBytes: (messageBytes) =>
      text ? base64Bytes(messageBytes + PREFIX_BYTES) : messageBytes + PREFIX_BYTES,
    unwrap: (body) => unwrapSingle(text ? fromBase64(body) : body),
    reply: (response, message) => send(response, joinBytes([withPrefix(message), OK_WEB_TRAILERS])),
    refuse: (response, error) => {
      const lines = Object.entries(grpcTrailers(error)).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      send(response, envelope(TRAILERS_FLAG, UTF8.encode(lines.join(""))));
    },
  };
}

const base64Bytes = (bytes: number): number => Math.ceil(bytes / 3) * 4;

/** One base64 text, or several of them in a row, each with its padding. */
function fromBase64(body: Uint8Array): Uint8Array {
  try {
    const parts = new TextDecoder().decode(body).match(/[^=]+=*/g) ?? [];
    return joinBytes(parts.map((part) => base64Decode(part)));
  } catch {
    throw refuse("ENVELOPE");
  }
}

function withPrefix(message: Uint8Array): Uint8Array {
  new DataView(message.buffer, message.byteOffset).setUint32(1, message.length - 5);
  return message;
}

const PROTOCOLS: ReadonlyMap<string, RpcProtocol> = new Map([
  ["application/proto", connectUnary("application/proto", false)],
  ["application/json", connectUnary("application/json", true)],
  ["application/connect+proto", connectStream("application/connect+proto", false)],
  ["application/connect+json", connectStream("application/connect+json", true)],
  ["application/grpc", grpc("application/grpc+proto", false)],
  ["application/grpc+proto", grpc("application/grpc+proto", false)],
  ["application/grpc+json", grpc("application/grpc+json", true)],
  ["application/grpc-web", grpcWeb("application/grpc-web+proto", false, false)],
  ["application/grpc-web+proto", grpcWeb("application/grpc-web+proto", false, false)],
  ["application/grpc-web+json", grpcWeb("application/grpc-web+json", true, false)],
  ["application/grpc-web-text", grpcWeb("application/grpc-web-text+proto", false, true)],
  ["application/grpc-web-text+proto", grpcWeb("application/grpc-web-text+proto", false, true)],
]);

/** The protocol that a content type names; undefined if it names none. */
export function protocolOf(contentType: string | undefined): RpcProtocol | undefined {
  if (contentType === undefined) return undefined;
  const known = PROTOCOLS.get(contentType);
  if (known !== undefined) return known;
  const plain = contentType.toLowerCase().replace(/; ?charset=utf-?8$/, "");
  return PROTOCOLS.get(plain);
}

/** Answers a request whose protocol may be unknown: as JSON where it is. */
export function refuseRequest(
  request: HttpRequest,
  response: HttpResponse,
  error: ServerError,
): void {
  const protocol = protocolOf(request.header("content-type"));
  if (protocol === undefined) refuseAsJson(response, error);
  else protocol.refuse(response, error);
}
