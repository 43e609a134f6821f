import type { ServerError } from "../../domain/error.ts";

/** How frames reach one host, whatever carries them. */
export interface HostTransport {
  /** Free bytes that a frame begins with, for the transport to fill. */
  readonly prefixBytes: 0 | 5;
  /** The connection has as much waiting as it should; a write is still taken. */
  readonly blocked: boolean;
  write(frame: Uint8Array): void;
  /** Called whenever `blocked` has become false. */
  onRoom(listener: () => void): void;
  /** Ends the stream, with an error or without. */
  close(error: ServerError | undefined): void;
}
