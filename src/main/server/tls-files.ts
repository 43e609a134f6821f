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

const UNREADABLE: Readonly<Record<string, readonly [ConfigReason, string]>> = {
  EACCES: ["not_readable", "may not be read by this user"],
  EISDIR: ["not_a_file", "is not a regular file"],
};

type Pem = Pick<TlsMaterial, "cert" | "key" | "ca">;

/**
 * Reads the certificate files of the listeners and checks that they fit: readable, PEM, the key of
 * the certificate, valid at `nowMs` (milliseconds since 1970). Never throws.
 */
export function readTlsFiles(settings: TlsSettings, nowMs: number): TlsFiles {
  const { tlsCert, tlsKey, tlsCa } = settings;
  if (tlsCert === undefined || tlsKey === undefined) return { kind: "none" };
  const cert = textOf("tls_cert", tlsCert);
  const key = textOf("tls_key", tlsKey);
  const ca = tlsCa === undefined ? undefined : textOf("tls_ca", tlsCa);
  for (const read of [cert, key, ca]) if (typeof read === "object") return read;
  const clientCertificate = ca === undefined ? "none" : "optional";
  const pem = { cert, key, ...(ca !== undefined && { ca }) } as Pem;
  return (
    checkPem(pem, settings, nowMs) ?? {
      kind: "material",
      material: { ...pem, clientCertificate },
      expiresMs: Date.parse(new X509Certificate(pem.cert).validTo),
    }
  );
}

/** What is wrong with the texts of the files. */
function checkPem(
  { cert, key, ca }: Pem,
  { tlsCert, tlsKey, tlsCa }: TlsSettings,
  nowMs: number,
): TlsFiles | undefined {
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
  const { validFrom, validTo } = certificate;
  if (nowMs >= Date.parse(validFrom) && nowMs < Date.parse(validTo)) return undefined;
  const message = `tls_cert: ${tlsCert} is valid from ${validFrom} to ${validTo} only`;
  return faulty("tls_cert", "tls_expired", message);
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

function textOf(key: TlsFault["key"], path: string): string | TlsFiles {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, what] = UNREADABLE[code] ?? (["not_found", "does not exist"] as const);
    return faulty(key, reason, `${key}: ${path} ${what}`);
  }
}
