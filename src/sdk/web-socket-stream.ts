import { CallFailure } from "./call-failure.ts";
import type { HostStream } from "./host-session.ts";

/** What happens on a stream. `closed` is called once, last. */
export interface StreamEvents {
  opened(): void;
  frame(bytes: Uint8Array): void;
  closed(reason: CallFailure): void;
}

/** The path of the attach stream, for gRPC and WebSocket alike. */
export const ATTACH_PATH = "/troupe.v1.HostService/Attach";
/** How long a stream that is closed waits for the other side to agree. */
export const CLOSE_TIMEOUT_MS = 2_000;
const SUBPROTOCOL = "troupe.v1.host";

/** Opens a WebSocket to a server, given its http or https address. */
export function openWebSocketStream(url: string, events: StreamEvents): HostStream {
  const address = new URL(ATTACH_PATH, url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address.href, [SUBPROTOCOL]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) events.frame(new Uint8Array(data));
  };
  let ended = false;
  const closed = (reason: string): void => {
    if (ended) return;
    ended = true;
    // The server gives its refusal as `<code>: <message>`.
    const [, code = "unavailable", message = "the connection to the server ended"] =
      /^([a-z_]+): (.*)$/.exec(reason) ?? [];
    events.closed(new CallFailure(code, message, "unknown"));
  };
  socket.onclose = ({ reason }) => closed(reason);
  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: () => {
      socket.close(1000);
      // A server that is gone never answers.
      setTimeout(() => closed(""), CLOSE_TIMEOUT_MS);
    },
  };
}
