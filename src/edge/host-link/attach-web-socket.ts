import type { Credentials } from "../../contract/authenticator.ts";
import type { ServerError } from "../../domain/error.ts";
import type { WebSocketLink } from "../../node/ports.ts";
import { connectCodeOf } from "../error-map.ts";
import { AttachedHost } from "./attached-host.ts";
import type { HostLinkOptions } from "./host-link-options.ts";

/** The subprotocol in which each binary message is one frame. */
export const HOST_SUBPROTOCOL = "troupe.v1.host";

const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const POLICY = 1008;
/** Beyond this the listener tells when there is room again. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** What fits into a close frame. */
const LONGEST_REASON_BYTES = 123;

/**
 * Takes hosts that attach by WebSocket. The close reason of a refused host is
 * `<connect code>: <message>`.
 */
export function attachWebSocket(
  options: HostLinkOptions,
): (link: WebSocketLink, credentials: Credentials) => void {
  return (link, credentials) => {
    const transport = {
      prefixBytes: 0,
      get blocked(): boolean {
        return link.bufferedBytes > HIGH_WATER_BYTES;
      },
      onRoom: (listener: () => void): void => link.onDrain(listener),
      write: (frame: Uint8Array): void => link.send(frame),
      close: (error: ServerError | undefined): void => closeLink(link, error),
    } as const;
    const host = new AttachedHost(options, transport, credentials);
    link.onMessage((frame) => {
      if (typeof frame !== "string") return host.receive(frame);
      link.close(UNSUPPORTED_DATA, "frames are binary");
      host.ended("the host sent a text frame");
    });
    link.onClose(() => host.ended("the host closed the connection"));
  };
}

function closeLink(link: WebSocketLink, error: ServerError | undefined): void {
  if (error === undefined) return link.close(NORMAL, "");
  const code = error.code === "node.draining" ? GOING_AWAY : POLICY;
  link.close(code, clip(`${connectCodeOf(error)}: ${error.message}`));
}

/** The text, cut at a character so that its UTF-8 fits. */
function clip(text: string): string {
  const target = new Uint8Array(LONGEST_REASON_BYTES);
  const { read } = new TextEncoder().encodeInto(text, target);
  return text.slice(0, read);
}
