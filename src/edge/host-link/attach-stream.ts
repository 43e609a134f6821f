import { type ServerError, toServerError } from "../../domain/error.ts";
import type { HttpRequest, HttpResponse } from "../../node/ports.ts";
import { credentialsOf } from "../authentication.ts";
import { decompressionFor, EnvelopeSplitter } from "../gates/envelope.ts";
import { refuse, unsupported } from "../gates/refusal.ts";
import {
  endOfConnectStream,
  grpcTrailers,
  protocolOf,
  refuseAsJson,
  type RpcProtocol,
} from "../protocols.ts";
import { AttachedHost } from "./attached-host.ts";
import { type HostLinkOptions, maxFrameBytes } from "./host-link-options.ts";
import type { HostTransport } from "./host-transport.ts";

/** The path of the stream, for the router of the listener. */
export const ATTACH_PATH = "/troupe.v1.HostService/Attach";

const COMPRESSED_FLAG = 0x01;
const END_STREAM_FLAG = 0x02;

/**
 * Takes hosts that attach by gRPC or by the streaming protocol of Connect, over HTTP/2. Written by
 * hand on the listener's request and response: a library's stream costs several times the work of the
 * frames themselves. Who calls is found out from the first frame.
 */
export function attachHandler(
  options: HostLinkOptions,
): (request: HttpRequest, response: HttpResponse) => void {
  return (request, response) => {
    const protocol = protocolOf(request.header("content-type"));
    const spoken = protocol?.prefixBytes === 5 && !protocol.json && protocol.name !== "grpc-web";
    if (request.method !== "POST" || protocol === undefined || !spoken) {
      const error = unsupported("hosts attach by gRPC or Connect with binary messages", "PROTOCOL");
      refuseAsJson(response, error, request.method === "POST" ? 415 : 405);
      return;
    }
    if (request.httpVersion === 1) {
      refuseAsJson(response, unsupported("the attach stream needs HTTP/2", "HTTP_VERSION"), 505);
      return;
    }
    try {
      decompressionFor(request.header(protocol.encodingHeader), []);
    } catch (error) {
      protocol.refuse(response, toServerError(error, "not_started"));
      return;
    }
    void serve(options, request, response, protocol);
  };
}

/** Never rejects: whatever happens on the stream ends the link. */
async function serve(
  options: HostLinkOptions,
  request: HttpRequest,
  response: HttpResponse,
  protocol: RpcProtocol,
): Promise<void> {
  const transport = new StreamTransport(response, protocol);
  const host = new AttachedHost(options, transport, credentialsOf(request));
  request.onAborted(() => host.ended("the connection to the host is lost"));
  transport.start();
  const splitter = new EnvelopeSplitter(maxFrameBytes(options.limits));
  try {
    for await (const chunk of request.body()) {
      for (const { flags, message } of splitter.push(chunk))
        receive(host, protocol, flags, message);
      if (response.closed) return;
    }
    splitter.end();
    host.ended("the host closed the stream");
  } catch (error) {
    // A body that breaks off throws after the peer has gone; then nobody hears this.
    host.fail(toServerError(error, "not_applied"));
  }
}

function receive(
  host: AttachedHost,
  protocol: RpcProtocol,
  flags: number,
  message: Uint8Array,
): void {
  if ((flags & COMPRESSED_FLAG) !== 0) throw refuse("BAD_COMPRESSION");
  if (flags === 0) host.receive(message);
  else if (flags === END_STREAM_FLAG && protocol.name === "connect")
    host.ended("the host ended the stream");
  else throw refuse("ENVELOPE_FLAGS");
}

class StreamTransport implements HostTransport {
  readonly prefixBytes = 5;
  readonly #response: HttpResponse;
  readonly #grpc: boolean;
  #blocked = false;
  #onRoom: (() => void) | undefined;
  #ended = false;

  constructor(response: HttpResponse, protocol: RpcProtocol) {
    this.#response = response;
    this.#grpc = protocol.name === "grpc";
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Headers leave at once: some clients wait for them before they send. */
  start(): void {
    const headers = this.#grpc
      ? { "content-type": "application/grpc+proto", "grpc-accept-encoding": "identity" }
      : { "content-type": "application/connect+proto", "connect-accept-encoding": "identity" };
    this.#response.start(200, headers);
  }

  write(frame: Uint8Array): void {
    const room = this.#response.write(frame);
    if (room === undefined || this.#blocked) return;
    this.#blocked = true;
    // Resolves in any case, with room or with the end of the stream.
    void room.then(() => {
      this.#blocked = false;
      this.#onRoom?.();
    });
  }

  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  close(error: ServerError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#grpc) {
      this.#response.end(error === undefined ? { "grpc-status": "0" } : grpcTrailers(error));
      return;
    }
    void this.#response.write(endOfConnectStream(error));
    this.#response.end();
  }
}
