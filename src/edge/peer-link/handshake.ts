import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type PeerFrame,
  PeerFrameSchema,
  type PeerHello,
} from "../../gen/troupe/internal/v1/peer_pb.ts";
import {
  PEER_CHANNELS,
  type PeerChannel,
  type PeerIdentity,
  type PeerRefusal,
} from "../../node/peers.ts";
import type { Clock, FrameLink } from "../../node/ports.ts";

/** Versions of the peer protocol that this binary speaks. */
export const PROTOCOL = { min: 1, max: 1 } as const;

/** Room for the length, which the link writes. */
const LENGTH_BYTES = 4;

/** The other end once both have introduced themselves. */
export interface Introduced {
  readonly node: string;
  readonly bootId: string;
  readonly generation: number;
  readonly version: string;
  readonly protocol: number;
}

/** The other end as the accepting side knows it. */
export interface IntroducedDialler extends Introduced {
  readonly channel: PeerChannel;
  readonly address: string;
}

/** A handshake that did not come to an end: `refusal` if the other end said why. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  readonly refusal: PeerRefusal | undefined;

  constructor(message: string, refusal?: PeerRefusal) {
    super(message);
    this.refusal = refusal;
  }
}

function framed(frame: Partial<Omit<PeerFrame, "$typeName">>): Uint8Array {
  const body = toBinary(PeerFrameSchema, create(PeerFrameSchema, frame));
  const bytes = new Uint8Array(LENGTH_BYTES + body.length);
  bytes.set(body, LENGTH_BYTES);
  return bytes;
}

/** The first frame of a link; the listener of later frames is set by whoever goes on. */
export function firstFrame(link: FrameLink, clock: Clock, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stop = clock.setTimer(timeoutMs, () => fail("the handshake timed out"));
    const fail = (why: string): void => {
      stop();
      link.close();
      reject(new HandshakeError(why));
    };
    link.onClose((reason) => fail(`the connection ended in the handshake (${reason})`));
    link.onFrame((bytes) => {
      stop();
      resolve(bytes.slice());
    });
  });
}

function handshakeOf(link: FrameLink, bytes: Uint8Array): PeerFrame {
  try {
    return fromBinary(PeerFrameSchema, bytes, { readUnknownFields: false });
  } catch {
    link.close();
    throw new HandshakeError("the first frame is not a handshake");
  }
}

/** Introduces this member on a connection that it dialled. Rejects with `HandshakeError`. */
export async function introduce(
  link: FrameLink,
  self: PeerIdentity,
  channel: PeerChannel,
  clock: Clock,
  timeoutMs: number,
): Promise<Introduced> {
  const answer = firstFrame(link, clock, timeoutMs);
  const hello = {
    $typeName: "troupe.internal.v1.PeerHello" as const,
    protocolMin: PROTOCOL.min,
    protocolMax: PROTOCOL.max,
    cluster: self.cluster,
    node: self.node,
    bootId: self.bootId,
    generation: BigInt(self.generation),
    strategies: self.strategies,
    version: self.version,
    channel,
    address: self.address,
  };
  link.send(framed({ hello }));
  const { welcome, refusal } = handshakeOf(link, await answer);
  if (refusal !== undefined) {
    link.close();
    const reason = refusal.reason as PeerRefusal["reason"];
    throw new HandshakeError(refusal.message, { reason, message: refusal.message });
  }
  if (welcome === undefined || welcome.node === self.node) {
    link.close();
    throw new HandshakeError("the other end did not welcome this member");
  }
  const { node, bootId, version, protocol } = welcome;
  return { node, bootId, generation: Number(welcome.generation), version, protocol };
}

/**
 * Answers the first frame of whoever dialled. `admit` may refuse for reasons of its own. Throws
 * `HandshakeError` once the connection has been refused.
 */
export function welcome(
  link: FrameLink,
  first: Uint8Array,
  self: PeerIdentity,
  admit: (dialler: IntroducedDialler) => PeerRefusal | undefined,
): IntroducedDialler {
  const { hello } = handshakeOf(link, first);
  if (hello === undefined) {
    link.close();
    throw new HandshakeError("the first frame is not a handshake");
  }
  const dialler = diallerOf(hello);
  const refusal = refusalOf(hello, self, dialler) ?? (dialler && admit(dialler));
  if (refusal !== undefined || dialler === undefined) {
    const said = refusal ?? { reason: "PROTOCOL_VERSION" as const, message: "unknown channel" };
    link.send(framed({ refusal: { $typeName: "troupe.internal.v1.PeerRefusal", ...said } }));
    link.close();
    throw new HandshakeError(said.message, said);
  }
  const answer = {
    $typeName: "troupe.internal.v1.PeerWelcome" as const,
    protocol: dialler.protocol,
    node: self.node,
    bootId: self.bootId,
    generation: BigInt(self.generation),
    version: self.version,
  };
  link.send(framed({ welcome: answer }));
  return dialler;
}

function diallerOf(hello: PeerHello): IntroducedDialler | undefined {
  const channel = PEER_CHANNELS.find((name) => name === hello.channel);
  if (channel === undefined) return undefined;
  const { node, bootId, version, address } = hello;
  const generation = Number(hello.generation);
  const protocol = Math.min(PROTOCOL.max, hello.protocolMax);
  return { node, bootId, version, address, generation, protocol, channel };
}

function refusalOf(
  hello: PeerHello,
  self: PeerIdentity,
  dialler: IntroducedDialler | undefined,
): PeerRefusal | undefined {
  const { protocolMin, protocolMax, cluster, strategies, node, bootId } = hello;
  if (protocolMax < PROTOCOL.min || protocolMin > PROTOCOL.max || dialler === undefined) {
    const message = `peer protocol ${protocolMin} to ${protocolMax} is spoken there, ${PROTOCOL.min} to ${PROTOCOL.max} here`;
    return { reason: "PROTOCOL_VERSION", message };
  }
  if (cluster !== self.cluster) {
    return { reason: "OTHER_CLUSTER", message: `this member is of cluster ${self.cluster}` };
  }
  if (node === self.node && bootId !== self.bootId) {
    return { reason: "NAME_CONFLICT", message: `this member has the name ${node} itself` };
  }
  if (strategies !== self.strategies) {
    const message = "placement or redundancy are configured differently here";
    return { reason: "OTHER_STRATEGIES", message };
  }
  return undefined;
}
