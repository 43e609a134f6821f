import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { PeerCertificate } from "../../node/ports.ts";

/** Alternative names as the runtime prints them: `DNS:a, URI:b`, with odd values as JSON strings. */
const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** Splits the printed list; a quoted value may contain the separator without forging a name. */
export function parseAltNames(printed: string): readonly string[] {
  const names: string[] = [];
  for (const [, type = "", value = ""] of printed.matchAll(ALT_NAME)) {
    const name = value.startsWith('"') ? unquoted(value) : value;
    if (name !== undefined) names.push(`${type}:${name}`);
  }
  return names;
}

/** A value that cannot be read is no name at all: it grants nothing. */
function unquoted(value: string): string | undefined {
  try {
    return String(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/**
 * The client certificate of a TLS connection, or `undefined` if it sent none or was not verified.
 * Alternative names keep their type: `DNS:localhost`, `URI:spiffe://…`, `IP Address:127.0.0.1`.
 */
export function peerCertificateOf(socket: Socket): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  // Without a client certificate this is an empty object, or null on some runtimes.
  if (!certificate?.fingerprint256) return undefined;
  return {
    subject: Object.entries(certificate.subject ?? {})
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(","),
    altNames: parseAltNames(certificate.subjectaltname ?? ""),
    fingerprint256: certificate.fingerprint256,
  };
}
