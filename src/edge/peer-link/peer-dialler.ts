import type { CallSignal, Invocation, Reply } from "../../domain/invocation.ts";
import type { PeerCallee, PeerChannel, PeerIdentity } from "../../node/peers.ts";
import type { Clock, FrameSockets, Logger, Random, TlsMaterial } from "../../node/ports.ts";
import { HandshakeError, introduce } from "./handshake.ts";
import { PeerConnection, unreachable } from "./peer-connection.ts";
import type { PeerLimits } from "./peer-limits.ts";

/** What a dialler is made of. */
export interface PeerDiallerOptions {
  readonly node: string;
  readonly address: string;
  readonly channel: PeerChannel;
  readonly self: () => PeerIdentity;
  readonly sockets: FrameSockets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: PeerLimits;
  readonly tls: () => TlsMaterial | undefined;
  readonly callee: PeerCallee;
  readonly message: (from: string, topic: string, body: Uint8Array) => void;
  /** There is a connection now. */
  readonly linked: () => void;
}

/** Keeps one connection to one member, dialling again with a growing wait when it is lost. */
export class PeerDialler {
  readonly address: string;
  readonly #options: PeerDiallerOptions;
  #connection: PeerConnection | undefined;
  #dialling: Promise<PeerConnection> | undefined;
  #failures = 0;
  #stopTimer: () => void = () => undefined;
  #closed = false;

  constructor(options: PeerDiallerOptions) {
    this.#options = options;
    this.address = options.address;
    this.#again(0);
  }

  get isLinked(): boolean {
    return this.#connection !== undefined;
  }

  /** Waits for a connection that is being made; one that could not be made is not waited for. */
  async invoke(invocation: Invocation, signal: CallSignal, epochSeen: number): Promise<Reply> {
    if (this.#connection !== undefined) {
      return await this.#connection.invoke(invocation, signal, epochSeen);
    }
    if (this.#dialling === undefined) throw unreachable("not_started", "no connection");
    let connection: PeerConnection;
    try {
      connection = await this.#dialling;
    } catch {
      throw unreachable("not_started", "no connection");
    }
    return await connection.invoke(invocation, signal, epochSeen);
  }

  cast(topic: string, body: Uint8Array): boolean {
    return this.#connection?.cast(topic, body) ?? false;
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#connection?.close();
  }

  #again(delayMs: number): void {
    if (this.#closed) return;
    this.#stopTimer = this.#options.clock.setTimer(delayMs, () => {
      this.#dialling = this.#dial();
      this.#dialling.then(
        () => {
          this.#failures = 0;
        },
        (error: unknown) => this.#failed(error),
      );
    });
  }

  async #dial(): Promise<PeerConnection> {
    const { node, address, channel, self, sockets, clock, limits, tls, message } = this.#options;
    const at = address.lastIndexOf(":");
    const material = tls();
    const link = await sockets.connect({
      host: address.slice(0, at).replace(/^\[|\]$/g, ""),
      port: Number(address.slice(at + 1)),
      limits,
      ...(material !== undefined && { tls: material }),
    });
    const other = await introduce(link, self(), channel, clock, limits.handshakeTimeoutMs);
    if (this.#closed || other.node !== node) {
      link.close();
      throw new HandshakeError(`${address} is ${other.node}, not ${node}`);
    }
    const connection = new PeerConnection({
      link,
      clock,
      limits,
      callee: this.#options.callee,
      message: (topic, body) => message(node, topic, body),
      ended: (reason) => this.#lost(reason),
    });
    link.onFrame((frame) => connection.frame(frame));
    this.#connection = connection;
    this.#options.linked();
    return connection;
  }

  #lost(reason: string): void {
    const { node, channel, log } = this.#options;
    this.#connection = undefined;
    this.#dialling = undefined;
    if (this.#closed) return;
    log.info("peer.lost", { peer: node, channel, reason });
    this.#again(this.#wait());
  }

  #failed(error: unknown): void {
    const { node, channel, log } = this.#options;
    this.#dialling = undefined;
    if (this.#closed) return;
    this.#failures += 1;
    const refusal = error instanceof HandshakeError ? error.refusal : undefined;
    const fields = { peer: node, channel, error };
    // A refusal does not mend itself soon; everything else is worth a word only once.
    if (refusal !== undefined) log.warn("peer.refused", { ...fields, reason: refusal.reason });
    else if (this.#failures === 1) log.info("peer.unreachable", fields);
    this.#again(this.#wait());
  }

  /** Doubles with each failure; half of it is chance, so that members do not dial in step. */
  #wait(): number {
    const { limits, random } = this.#options;
    const longest = Math.min(limits.maxBackOffMs, limits.backOffMs * 2 ** this.#failures);
    return longest * (0.5 + random.unit() / 2);
  }
}
