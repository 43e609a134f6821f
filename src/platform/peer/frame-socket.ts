import type { Socket } from "node:net";
import type { FrameLimits, FrameLink, PeerCertificate } from "../../node/ports.ts";
import { peerCertificateOf } from "../http/peer-certificate.ts";
import { FrameReader, LENGTH_BYTES } from "./frame-reader.ts";

/** Frames over one connected socket. */
export class FrameSocket implements FrameLink {
  readonly remoteAddress: string;
  readonly peerCertificate: PeerCertificate | undefined;
  readonly #socket: Socket;
  readonly #highWaterBytes: number;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onRoom: () => void = () => undefined;
  #onClose: ((reason: string) => void) | undefined;
  #reason = "closed by the other end";
  #closed = false;
  #wasFull = false;

  constructor(socket: Socket, limits: FrameLimits) {
    this.#socket = socket;
    this.#highWaterBytes = limits.highWaterBytes;
    this.remoteAddress = socket.remoteAddress ?? "";
    this.peerCertificate = peerCertificateOf(socket);
    socket.setNoDelay(true);
    const reader = new FrameReader(limits.maxFrameBytes, (frame) => this.#onFrame?.(frame));
    socket.on("data", (chunk: Buffer) => {
      if (this.#closed) return;
      const problem = reader.push(chunk);
      if (problem !== undefined) this.#fail(problem);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? "socket error";
    });
    socket.on("close", () => this.#ended());
    socket.on("drain", () => this.#drained());
    // Nobody listens yet: what arrives meanwhile waits in the socket.
    socket.pause();
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    const length = frame.length - LENGTH_BYTES;
    frame[0] = length >>> 24;
    frame[1] = length >>> 16;
    frame[2] = length >>> 8;
    frame[3] = length;
    this.#socket.write(frame);
    if (this.bufferedBytes > this.#highWaterBytes) this.#wasFull = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reason = "closed by this end";
    this.#socket.end();
    this.#socket.destroySoon();
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.#onFrame = listener;
    this.#socket.resume();
  }

  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  onClose(listener: (reason: string) => void): void {
    this.#onClose = listener;
  }

  #fail(reason: string): void {
    this.#reason = reason;
    this.#closed = true;
    this.#socket.destroy();
  }

  #drained(): void {
    if (!this.#wasFull || this.bufferedBytes > this.#highWaterBytes) return;
    this.#wasFull = false;
    this.#onRoom();
  }

  #ended(): void {
    this.#closed = true;
    const listener = this.#onClose;
    this.#onClose = undefined;
    listener?.(this.#reason);
  }
}
