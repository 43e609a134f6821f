import { type ClientHttp2Session, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type InvokeRequest, InvokeRequestSchema } from "../../src/gen/troupe/v1/actor_pb.ts";
import { ErrorDetailSchema } from "../../src/gen/troupe/v1/invocation_pb.ts";

export const INVOKE = "/troupe.v1.ActorService/Invoke";
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes of an `InvokeRequest` that is in order, but for what is changed. */
export function invokeBytes(changes: Partial<InvokeRequest> = {}): Uint8Array {
  const actor = { system: "", type: "counter", key: "k" };
  const message = create(InvokeRequestSchema, {
    action: "add",
    actor,
    ...changes,
  } as InvokeRequest);
  return toBinary(InvokeRequestSchema, message);
}

/** The bytes of one length-delimited field. */
export function field(number: number, bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return new Uint8Array([(number << 3) | 2, ...length, rest, ...bytes]);
}

/** The five bytes of gRPC before a message. */
export function framed(message: Uint8Array, flags = 0, length = message.length): Uint8Array {
  const bytes = new Uint8Array(5 + message.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, length);
  bytes.set(message, 5);
  return bytes;
}

/** What an answer says, in the words of the catalogue. */
export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly reason: string | undefined;
  readonly headers: Headers;
  readonly body: string;
}

/** One Connect or JSON request over HTTP/1.1. */
export async function post(
  url: string,
  path: string,
  contentType: string | undefined,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
  method = "POST",
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(contentType !== undefined && { "content-type": contentType }), ...headers },
    ...(method === "POST" && { body }),
  });
  const text = await response.text();
  const error = text.startsWith("{") ? (JSON.parse(text) as ErrorJson) : undefined;
  const detail = error?.details?.find(({ type }) => type === "troupe.v1.ErrorDetail");
  return {
    status: response.status,
    code: error?.code,
    reason: detail && fromBinary(ErrorDetailSchema, base64Decode(detail.value)).reason,
    headers: response.headers,
    body: text,
  };
}

interface ErrorJson {
  readonly code?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

/** The status that gRPC gives to these bytes. */
export async function grpcStatus(
  url: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
  path = INVOKE,
): Promise<number> {
  const session = connect(url);
  try {
    return await new Promise<number>((resolve, reject) => {
      const stream = openGrpc(session, path, headers);
      let status: unknown;
      stream.on("response", (head) => (status = head["grpc-status"] ?? status));
      stream.on("trailers", (trailers) => (status = trailers["grpc-status"] ?? status));
      stream.on("data", () => undefined);
      stream.on("error", reject);
      stream.on("close", () => resolve(Number(status ?? Number.NaN)));
      stream.end(body);
    });
  } finally {
    session.close();
  }
}

function openGrpc(session: ClientHttp2Session, path: string, headers: Record<string, string>) {
  return session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...headers,
  });
}
