import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { PeerLinks } from "../../edge/peer-link/peer-links.ts";
import { DEFAULT_PEER_LIMITS } from "../../edge/peer-link/peer-limits.ts";
import { isWildcard } from "../../kernel/loopback.ts";
import type { Settings } from "../../kernel/settings.ts";
import type { PeerEndpoint, PeerPlace, PeerWorld } from "../../node/cluster/cluster-parts.ts";
import { addressText } from "../../node/cluster/member-watch.ts";
import type {
  BindDatagrams,
  Clock,
  FrameLink,
  FrameSockets,
  Logger,
  Random,
  TlsMaterial,
} from "../../node/ports.ts";

/** What the port for peers is made of. */
export interface PeerEndpointOptions {
  readonly settings: Pick<Settings, "peerAddr" | "peerAdvertise">;
  readonly sockets: FrameSockets;
  readonly bind: BindDatagrams;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tls: () => TlsMaterial | undefined;
  readonly refused: (reason: string) => void;
}

/** A free port for streams may be taken for datagrams; so many are tried. */
const TRIES = 20;
const MAGIC_0 = 0x54;
const MAGIC_1 = 0x47;

/** The port where members connect: links between them, and frames of membership beside. */
export function makePeerEndpoint(options: PeerEndpointOptions, world: PeerWorld): PeerEndpoint {
  const { sockets, clock, random, log, tls, refused } = options;
  const peers = new PeerLinks({
    self: world.self,
    sockets,
    clock,
    random,
    log,
    limits: DEFAULT_PEER_LIMITS,
    tls,
    callee: world.callee,
    admit: () => undefined,
    otherwise: (link, first) => answered(link, first, world.request),
    refused,
  });
  return { peers, open: () => open(peers, options), close: () => peers.close() };
}

/** Sealed frames begin with two letters that no handshake begins with. */
function answered(link: FrameLink, first: Uint8Array, request: PeerWorld["request"]): boolean {
  if (first[0] !== MAGIC_0 || first[1] !== MAGIC_1) return false;
  const answer = request(first);
  if (answer !== undefined) link.send(answer);
  link.close();
  return true;
}

async function open(peers: PeerLinks, options: PeerEndpointOptions): Promise<PeerPlace> {
  const { settings, bind } = options;
  const { host, port: wanted } = settings.peerAddr;
  const address = await advertised(settings);
  for (let tries = 1; ; tries += 1) {
    const port = await peers.listen(host, wanted);
    try {
      const socket = await bind({ host, port, lost: () => undefined });
      socket.close();
      return { host, port, address: addressText(address.host, address.port ?? port) };
    } catch (error) {
      await peers.close();
      if (wanted !== 0 || tries >= TRIES) throw error;
    }
  }
}

/** What others are told: what was given, else what is bound, else the first address of the machine. */
async function advertised({ peerAddr, peerAdvertise }: PeerEndpointOptions["settings"]) {
  const { host, port } = peerAdvertise ?? { host: peerAddr.host, port: undefined };
  if (!isWildcard(host)) return { host: (await addressesOf(host))[0] ?? host, port };
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  return { host: own?.address ?? "127.0.0.1", port };
}

/** The addresses of a host by its name; an address is its own. Rejects if the name is not known. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}
