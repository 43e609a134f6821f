import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { InvokeRequestSchema } from "../../src/gen/troupe/v1/actor_pb.ts";
import { field, headerBlock } from "../listener/raw-clients.ts";
import type { LoadOptions, Wire } from "./load-options.ts";

const PATH = "/troupe.v1.ActorService/Invoke";
const TYPES = {
  "json-route": "application/json",
  restate: "application/json",
  "connect-json": "application/json",
  "connect-proto": "application/proto",
  grpc: "application/grpc",
  "grpc-web": "application/grpc-web+proto",
} as const;

/** One call as bytes: a whole HTTP/1.1 request, or what an HTTP/2 stream is opened with. */
export interface PreparedCall {
  readonly http1: Buffer;
  readonly block: Buffer;
  readonly body: Uint8Array;
}

/** The body is the argument itself, and the answer the reply. */
function isPlain(wire: Wire): boolean {
  return wire === "json-route" || wire === "restate";
}

function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(message.length + 5);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, 5);
  return bytes;
}

function bodyOf({ wire, type, action }: LoadOptions, key: string, argument: string): Uint8Array {
  const data = Buffer.from(argument);
  if (isPlain(wire)) return data;
  const payload = { type: "application/json", data };
  const message = create(InvokeRequestSchema, { actor: { type, key }, action, payload });
  if (wire === "connect-json") return Buffer.from(toJsonString(InvokeRequestSchema, message));
  const bytes = toBinary(InvokeRequestSchema, message);
  return wire === "connect-proto" ? bytes : framed(bytes);
}

/** A call of `key` with a JSON argument. */
export function prepareCall(options: LoadOptions, key: string, argument: string): PreparedCall {
  const { wire, type, action } = options;
  const plain = `${wire === "restate" ? "" : "/v1"}/${type}/${key}/${action}`;
  const path = isPlain(wire) ? plain : PATH;
  const contentType = TYPES[wire];
  const body = bodyOf(options, key, argument);
  const connect = wire.startsWith("connect") ? "connect-protocol-version: 1\r\n" : "";
  const lines = `content-type: ${contentType}\r\n${connect}content-length: ${body.length}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}\r\n`;
  const extra = connect === "" ? [] : [field("connect-protocol-version", "1")];
  return {
    http1: Buffer.concat([Buffer.from(head), body]),
    block: Buffer.concat([headerBlock(path, contentType, "127.0.0.1"), ...extra]),
    body,
  };
}

/** The first field with this number in a protobuf message, if it is a short run of bytes. */
function bytesField(message: Uint8Array, wanted: number): Uint8Array | undefined {
  let at = 0;
  while (at < message.length) {
    const tag = message[at] ?? 0;
    let length = message[at + 1] ?? 0;
    let begin = at + 2;
    if (length > 0x7f) {
      length = (length & 0x7f) | ((message[begin] ?? 0) << 7);
      begin += 1;
    }
    if (tag === ((wanted << 3) | 2)) return message.subarray(begin, begin + length);
    if ((tag & 7) !== 2) return undefined;
    at = begin + length;
  }
  return undefined;
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The JSON text that an answer carries; `undefined` if the body is no answer. */
export function replyText({ wire }: LoadOptions, body: Uint8Array): string | undefined {
  if (isPlain(wire)) return latin(body);
  if (wire === "connect-json") {
    const data = /"data":"([^"]*)"/.exec(latin(body))?.[1];
    return data === undefined ? undefined : Buffer.from(data, "base64").toString();
  }
  const payload = bytesField(wire === "connect-proto" ? body : body.subarray(5), 1);
  const data = payload === undefined ? undefined : bytesField(payload, 2);
  return data === undefined ? undefined : latin(data);
}
