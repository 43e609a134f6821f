import type { ServerError } from "../domain/error.ts";
import { toServerError } from "../domain/error.ts";
import type { Caller, Reply } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { GetStateRequestSchema, InvokeRequestSchema } from "../gen/troupe/v1/actor_pb.ts";
import type { BodyFailure, HttpRequest, HttpResponse } from "../node/ports.ts";
import type { CallEnd, Calls } from "./calls.ts";
import { reasonOf } from "./error-map.ts";
import { headerTimeoutMs } from "./gates/deadline.ts";
import { decodeMessage } from "./gates/message.ts";
import { bodyTimeout, refuse, tooLarge } from "./gates/refusal.ts";
import type { InvokeCall } from "./invoke-call.ts";
import {
  decodeGetState,
  decodeInvoke,
  replyJson,
  stateJson,
  writeReply,
  writeState,
} from "./invoke-codec.ts";
import { callOfMessage, callOfStateMessage } from "./invoke-message.ts";
import type { LoggedInstruments } from "./logged-instruments.ts";
import type { RpcProtocol } from "./protocols.ts";
import { RequestSignal } from "./request-signal.ts";
import { unreachable } from "../std/assert.ts";
import type { ProtoWriter } from "./wire/writer.ts";

/** A method whose calls are answered without the RPC library. */
export interface LeanMethod {
  readonly name: string;
  decode(body: Uint8Array, json: boolean, limits: Limits): InvokeCall;
  write(writer: ProtoWriter, reply: Reply): void;
  json(reply: Reply): string;
}

const INVOKE: LeanMethod = {
  name: "Invoke",
  decode: (body, json, limits) =>
    json
      ? callOfMessage(decodeMessage(InvokeRequestSchema, body, true, limits))
      : decodeInvoke(body, limits),
  write: writeReply,
  json: replyJson,
};

const GET_STATE: LeanMethod = {
  name: "GetState",
  decode: (body, json, limits) =>
    json
      ? callOfStateMessage(decodeMessage(GetStateRequestSchema, body, true, limits))
      : decodeGetState(body, limits),
  write: writeState,
  json: stateJson,
};

/** The hot methods by request path. */
export const LEAN_METHODS: ReadonlyMap<string, LeanMethod> = new Map([
  ["/troupe.v1.ActorService/Invoke", INVOKE],
  ["/troupe.v1.ActorService/GetState", GET_STATE],
]);

/** What all unary calls of a listener share. */
export interface UnaryShared {
  readonly calls: Calls;
  readonly limits: Limits;
  readonly instruments: LoggedInstruments;
  /** One buffer for all answers: each is written and copied out within one tick. */
  readonly writer: ProtoWriter;
}

const UTF8 = new TextEncoder();

/** One unary call of a hot method on its way from the request to the answer. */
export class UnaryCall implements CallEnd {
  readonly #shared: UnaryShared;
  readonly #method: LeanMethod;
  readonly #protocol: RpcProtocol;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #caller: Caller;
  #timeoutMs: number | undefined;

  constructor(
    shared: UnaryShared,
    method: LeanMethod,
    protocol: RpcProtocol,
    request: HttpRequest,
    response: HttpResponse,
    caller: Caller,
  ) {
    this.#shared = shared;
    this.#method = method;
    this.#protocol = protocol;
    this.#request = request;
    this.#response = response;
    this.#caller = caller;
  }

  /** Reads the request and sees to it that exactly one answer is sent. Never throws. */
  start(): void {
    const request = this.#request;
    const protocol = this.#protocol;
    try {
      checkProtocolVersion(request, protocol);
      this.#timeoutMs = headerTimeoutMs((name) => request.header(name));
    } catch (error) {
      return this.#reject(toServerError(error, "not_started"));
    }
    request.readBody(protocol.bodyBytes(this.#shared.limits.messageBytes), (failure, body) =>
      this.#received(failure, body),
    );
  }

  reply(reply: Reply): void {
    let message: Uint8Array;
    try {
      message = this.#encode(reply);
    } catch (error) {
      const failure = toServerError(error);
      this.#shared.instruments.failed(this.#method.name, failure);
      return this.refuse(failure);
    }
    this.#protocol.reply(this.#response, message);
  }

  refuse(error: ServerError): void {
    this.#protocol.refuse(this.#response, error);
  }

  #received(failure: BodyFailure | undefined, body: Uint8Array): void {
    if (failure === "aborted") return this.#shared.instruments.aborted("read");
    let call: InvokeCall;
    try {
      if (failure !== undefined) throw bodyFailure(failure);
      const { limits } = this.#shared;
      call = this.#method.decode(this.#protocol.unwrap(body), this.#protocol.json, limits);
    } catch (error) {
      return this.#reject(toServerError(error, "not_started"));
    }
    const request = this.#request;
    const channel = {
      caller: this.#caller,
      timeoutMs: this.#timeoutMs,
      traceparent: request.header("traceparent") ?? "",
      tracestate: "",
    };
    if (channel.traceparent !== "") channel.tracestate = request.header("tracestate") ?? "";
    const signal = new RequestSignal(request, this.#response);
    this.#shared.calls.run(this.#method.name, call, channel, signal, this);
  }

  #encode(reply: Reply): Uint8Array {
    const { prefixBytes, json } = this.#protocol;
    if (json) {
      const text = UTF8.encode(this.#method.json(reply));
      if (prefixBytes === 0) return text;
      const framed = new Uint8Array(prefixBytes + text.length);
      framed.set(text, prefixBytes);
      return framed;
    }
    const { writer } = this.#shared;
    writer.reset();
    if (prefixBytes > 0) writer.reserve(prefixBytes);
    this.#method.write(writer, reply);
    return writer.finish();
  }

  #reject(error: ServerError): void {
    this.#shared.instruments.rejected(this.#method.name, reasonOf(error));
    this.refuse(error);
  }
}

/** Why a body could not be read, as an error. The call has not started. */
export function bodyFailure(failure: BodyFailure): ServerError {
  switch (failure) {
    case "too_large":
      return tooLarge();
    case "timeout":
      return bodyTimeout();
    case "aborted":
      return refuse("BODY_INCOMPLETE");
    default:
      return unreachable(failure, "body failure");
  }
}

/** Only version 1 of the Connect protocol exists; a request that names none is taken as that. */
export function checkProtocolVersion(request: HttpRequest, protocol: RpcProtocol): void {
  if (protocol.name !== "connect") return;
  const version = request.header("connect-protocol-version");
  if (version !== undefined && version !== "1") throw refuse("PROTOCOL_VERSION");
}
