import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConfigReason } from "../../kernel/config-problem.ts";
import type { Settings } from "../../kernel/settings.ts";
import type { TlsMaterial } from "../../node/ports.ts";

/** The settings that name certificate files. */
export type TlsSettings = Pick<Settings, "tlsCert" | "tlsKey" | "tlsCa">;

/** Why certificate files cannot serve. */
export interface TlsFault {
  /** The setting that names the file. */
  readonly key: "tls_cert" | "tls_key" | "tls_ca";
  readonly reason: ConfigReason;
  readonly message: string;
}

/** Certificate files that were read and fit together. */
export type TlsFiles =
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly fault: TlsFault }
  | { readonly kind: "material"; readonly material: TlsMaterial; readonly expiresMs: number };

/**
 * Reads the certificate files of the listeners and checks that they fit: readable, PEM, the key of
 * the certificate, valid at `nowMs` (milliseconds since 1970). Never throws.
 */
export function readTlsFiles({ tlsCert, tlsKey, tlsCa }: TlsSettings, nowMs: number): TlsFiles {
  if (tlsCert === undefined || tlsKey === undefined) return { kind: "none" };
  const read: { cert?: string; key?: string; ca?: string } = {};
  const paths = [["tls_cert", "cert", tlsCert] as const, ["tls_key", "key", tlsKey] as const];
  for (const [key, name, path] of tlsCa === undefined
    ? paths
    : [...paths, ["tls_ca", "ca", tlsCa] as const]) {
    const text = textOf(path);
    if (typeof text !== "string") return faulty(key, text.reason, `${key}: ${path} ${text.what}`);
    read[name] = text;
  }
  const { cert = "", key = "", ca } = read;
  const certificate = parsed(() => new X509Certificate(cert));
  if (certificate === undefined) {
    return faulty("tls_cert", "syntax", `tls_cert: ${tlsCert} holds no certificate in PEM`);
  }
  const secret = parsed<KeyObject>(() => createPrivateKey(key));
  if (secret === undefined) {
    return faulty("tls_key", "syntax", `tls_key: ${tlsKey} holds no private key without password`);
  }
  if (ca !== undefined && parsed(() => new X509Certificate(ca)) === undefined) {
    return faulty("tls_ca", "syntax", `tls_ca: ${tlsCa} holds no certificate in PEM`);
  }
  if (!certificate.checkPrivateKey(secret)) {
    const message = `tls_key: ${tlsKey} is not the key of the certificate ${tlsCert}`;
    return faulty("tls_key", "tls_mismatch", message);
  }
  const expiresMs = Date.parse(certificate.validTo);
  if (nowMs >= expiresMs || nowMs < Date.parse(certificate.validFrom)) {
    const span = `${certificate.validFrom} to ${certificate.validTo}`;
    return faulty("tls_cert", "tls_expired", `tls_cert: ${tlsCert} is valid from ${span} only`);
  }
  const clientCertificate = ca === undefined ? "none" : "optional";
  const material: TlsMaterial = { cert, key, ...(ca !== undefined && { ca }), clientCertificate };
  return { kind: "material", material, expiresMs };
}

function faulty(key: TlsFault["key"], reason: ConfigReason, message: string): TlsFiles {
  return { kind: "fault", fault: { key, reason, message } };
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | { readonly reason: ConfigReason; readonly what: string } {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "EACCES") return { reason: "not_readable", what: "may not be read by this user" };
    if (code === "EISDIR") return { reason: "not_a_file", what: "is not a regular file" };
    return { reason: "not_found", what: "does not exist" };
  }
}
