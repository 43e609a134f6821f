import type { CallSignal, Invocation, Reply } from "../../domain/invocation.ts";
import {
  PEER_CHANNELS,
  type PeerCallee,
  type PeerChannel,
  type PeerIdentity,
  type PeerRefusal,
  type Peers,
} from "../../node/peers.ts";
import type {
  Clock,
  FrameLink,
  FrameListener,
  FrameSockets,
  Logger,
  Random,
  TlsMaterial,
} from "../../node/ports.ts";
import { firstFrame, HandshakeError, type IntroducedDialler, welcome } from "./handshake.ts";
import { PeerConnection, unreachable } from "./peer-connection.ts";
import { PeerDialler } from "./peer-dialler.ts";
import type { PeerLimits } from "./peer-limits.ts";

/** What the links are made of. */
export interface PeerLinksOptions {
  /** This member; its generation changes when a new session is opened. */
  readonly self: () => PeerIdentity;
  readonly sockets: FrameSockets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: PeerLimits;
  readonly tls: () => TlsMaterial | undefined;
  readonly callee: PeerCallee;
  /** Refuses a dialler for reasons that lie outside of the protocol. */
  readonly admit: (dialler: IntroducedDialler) => PeerRefusal | undefined;
  /** Takes a link whose first frame is no handshake but a request of another kind. */
  readonly otherwise: (link: FrameLink, first: Uint8Array) => boolean;
  /** Told of each handshake that was refused here. */
  readonly refused: (reason: string, remoteAddress: string) => void;
}

/** Links to all members: this one dials each of them for every channel, and takes their dials. */
export class PeerLinks implements Peers {
  readonly #options: PeerLinksOptions;
  readonly #diallers = new Map<string, ReadonlyMap<PeerChannel, PeerDialler>>();
  readonly #accepted = new Set<PeerConnection>();
  readonly #topics = new Map<string, (from: string, body: Uint8Array) => void>();
  #onLink: (node: string, channel: PeerChannel) => void = () => undefined;
  #listener: FrameListener | undefined;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
  }

  /** Takes dials; rejects if the address cannot be bound. Gives back the port that was bound. */
  async listen(host: string, port: number): Promise<number> {
    const { sockets, limits, tls } = this.#options;
    const material = tls();
    this.#listener = await sockets.listen(
      {
        host,
        port,
        limits,
        maxConnections: limits.maxConnections,
        ...(material !== undefined && { tls: material }),
      },
      (link) => void this.#accept(link),
    );
    return this.#listener.port;
  }

  /** New certificates for connections that are made from now on. */
  setTls(material: TlsMaterial): void {
    this.#listener?.setTls(material);
  }

  setMembers(members: readonly { readonly node: string; readonly address: string }[]): void {
    const wanted = new Map(members.map(({ node, address }) => [node, address]));
    for (const [node, diallers] of this.#diallers) {
      const address = diallers.values().next().value?.address;
      if (wanted.get(node) === address) wanted.delete(node);
      else this.#drop(node, diallers);
    }
    for (const [node, address] of wanted) this.#diallers.set(node, this.#dial(node, address));
  }

  isLinked(node: string): boolean {
    return this.#diallers.get(node)?.get("calls")?.isLinked ?? false;
  }

  invoke(
    node: string,
    invocation: Invocation,
    signal: CallSignal,
    epochSeen: number,
  ): Promise<Reply> {
    const dialler = this.#diallers.get(node)?.get("calls");
    if (dialler === undefined) return Promise.reject(unreachable("not_started", "not a member"));
    return dialler.invoke(invocation, signal, epochSeen);
  }

  cast(node: string, channel: PeerChannel, topic: string, body: Uint8Array): boolean {
    return this.#diallers.get(node)?.get(channel)?.cast(topic, body) ?? false;
  }

  onMessage(topic: string, listener: (from: string, body: Uint8Array) => void): void {
    this.#topics.set(topic, listener);
  }

  onLink(listener: (node: string, channel: PeerChannel) => void): void {
    this.#onLink = listener;
  }

  async close(): Promise<void> {
    for (const [node, diallers] of this.#diallers) this.#drop(node, diallers);
    for (const connection of [...this.#accepted]) connection.close();
    await this.#listener?.close();
  }

  #dial(node: string, address: string): ReadonlyMap<PeerChannel, PeerDialler> {
    const message = (from: string, topic: string, body: Uint8Array): void =>
      this.#heard(from, topic, body);
    const linked = (channel: PeerChannel) => (): void => this.#onLink(node, channel);
    return new Map(
      PEER_CHANNELS.map((channel) => [
        channel,
        new PeerDialler({
          ...this.#options,
          node,
          address,
          channel,
          message,
          linked: linked(channel),
        }),
      ]),
    );
  }

  #drop(node: string, diallers: ReadonlyMap<PeerChannel, PeerDialler>): void {
    this.#diallers.delete(node);
    for (const dialler of diallers.values()) dialler.close();
  }

  async #accept(link: FrameLink): Promise<void> {
    const { self, admit, otherwise, clock, limits, callee, log, refused } = this.#options;
    try {
      const first = await firstFrame(link, clock, limits.handshakeTimeoutMs);
      if (otherwise(link, first)) return;
      const { node } = welcome(link, first, self(), admit);
      const connection = new PeerConnection({
        link,
        clock,
        limits,
        callee,
        message: (topic, body) => this.#heard(node, topic, body),
        ended: () => this.#accepted.delete(connection),
      });
      this.#accepted.add(connection);
      link.onFrame((frame) => connection.frame(frame));
    } catch (error) {
      const reason = error instanceof HandshakeError ? error.refusal?.reason : undefined;
      refused(reason ?? "HANDSHAKE", link.remoteAddress);
      log.info("peer.not_welcome", { remote: link.remoteAddress, error });
    }
  }

  #heard(from: string, topic: string, body: Uint8Array): void {
    this.#topics.get(topic)?.(from, body);
  }
}
