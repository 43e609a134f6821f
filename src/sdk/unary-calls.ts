import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { CallErrorSchema, ErrorDetailSchema } from "../gen/troupe/v1/invocation_pb.ts";
import { create } from "@bufbuild/protobuf";
import { CallFailure, callFailure } from "./call-failure.ts";

/** Makes one unary call. Rejects with `CallFailure` and nothing else. */
export type UnaryCall = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  timeoutMs: number,
) => Promise<MessageShape<O>>;

/** Unary calls over a transport of Connect, whatever protocol it speaks. */
export function transportCalls(transport: Transport, token: string | undefined): UnaryCall {
  return async (method, request, timeoutMs) => {
    try {
      const answer = await transport.unary(
        method,
        undefined,
        timeoutMs,
        headersOf(token),
        request as never,
      );
      return answer.message;
    } catch (error) {
      throw connectFailure(error);
    }
  };
}

/** The failure that an error of Connect stands for. */
export function connectFailure(error: unknown): CallFailure {
  const connectError = ConnectError.from(error);
  const [detail] = connectError.findDetails(ErrorDetailSchema);
  const code = Code[connectError.code]
    .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
  const message = connectError.rawMessage;
  return callFailure(
    create(CallErrorSchema, { code, message, ...(detail !== undefined && { detail }) }),
  );
}

/** Unary calls of the Connect protocol by `fetch`, in binary; for browsers as well as servers. */
export function fetchCalls(
  url: string,
  token: string | undefined,
  fetcher: typeof fetch,
): UnaryCall {
  const base = url.replace(/\/+$/, "");
  return async (method, request, timeoutMs) => {
    const response = await send(fetcher, `${base}/${method.parent.typeName}/${method.name}`, {
      method: "POST",
      headers: {
        ...headersOf(token),
        "content-type": "application/proto",
        "connect-protocol-version": "1",
        "connect-timeout-ms": String(Math.ceil(timeoutMs)),
      },
      body: toBinary(method.input, request),
      signal: AbortSignal.timeout(timeoutMs + GRACE_MS),
    });
    if (!response.ok) throw await failureOf(response);
    try {
      return fromBinary(method.output, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      throw new CallFailure("unavailable", messageOf(error), "unknown");
    }
  };
}

/** The server answers at the deadline; this is for a server that does not. */
const GRACE_MS = 1_000;

function headersOf(token: string | undefined): Record<string, string> {
  return token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` };
}

async function send(fetcher: typeof fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetcher(url, init);
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    throw new CallFailure(late ? "deadline_exceeded" : "unavailable", messageOf(error), "unknown");
  }
}

async function failureOf(response: Response): Promise<CallFailure> {
  const body: unknown = await response.json().catch(() => undefined);
  const { code, message, details } = (body ?? {}) as Partial<Record<string, unknown>>;
  if (typeof code !== "string") {
    // Not the server itself: a proxy, or a wrong address.
    const unavailable = response.status >= 502 && response.status <= 504;
    return new CallFailure(
      unavailable ? "unavailable" : "unknown",
      `http status ${response.status}`,
      "unknown",
    );
  }
  const found = Array.isArray(details) ? details.find(isErrorDetail) : undefined;
  const detail =
    found === undefined ? {} : { detail: fromBinary(ErrorDetailSchema, base64Decode(found.value)) };
  return callFailure(create(CallErrorSchema, { code, message: String(message ?? ""), ...detail }));
}

function isErrorDetail(detail: unknown): detail is { readonly value: string } {
  if (typeof detail !== "object" || detail === null) return false;
  const { type, value } = detail as Partial<Record<string, unknown>>;
  return type === ErrorDetailSchema.typeName && typeof value === "string";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
