import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Where the two halves of a certificate lie. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a self-signed certificate for this machine in `folder`; it is its own authority. */
export function makeCertificate(folder: string, name: string): CertificateFiles {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const out = ["-keyout", files.key, "-out", files.cert, "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...curve, ...names, ...out], { stdio: "ignore" });
  return files;
}
