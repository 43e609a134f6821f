import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of a certificate and its key (PEM). */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const LIFE = ["-days", "2"];

function openssl(...parameters: string[]): void {
  execFileSync("openssl", parameters, { stdio: "ignore" });
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

/** Signs itself, with `extensions` in the words of openssl. */
function selfSigned(folder: string, name: string, ...extensions: string[]): CertificateFiles {
  const { cert, key } = filesOf(folder, name);
  const out = ["-keyout", key, "-out", cert, ...LIFE];
  openssl("req", "-x509", ...KEY, ...out, "-subj", `/CN=${name}`, ...extensions);
  return { cert, key };
}

/** Makes a self-signed certificate for this machine in `folder`; it is its own authority. */
export function makeCertificate(folder: string, name: string): CertificateFiles {
  return selfSigned(folder, name, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
}

/** An authority of its own for one test, and what it signs; needs `openssl`. */
export class CertificateAuthority {
  readonly pair: CertificateFiles;
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.pair = selfSigned(folder, name);
  }

  /** A certificate of the subject `O=Troupe, CN=name` for `altNames`, e.g. `IP:127.0.0.1`. */
  issue(name: string, altNames: string): CertificateFiles {
    const { cert, key } = filesOf(this.#folder, `${this.#name}-${name}`);
    const request = `${cert}.csr`;
    const extensions = `${cert}.ext`;
    writeFileSync(extensions, `subjectAltName=${altNames}\n`);
    openssl("req", ...KEY, "-keyout", key, "-out", request, "-subj", `/O=Troupe/CN=${name}`);
    const signer = ["-CA", this.pair.cert, "-CAkey", this.pair.key, "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      request,
      ...signer,
      "-out",
      cert,
      ...LIFE,
      "-extfile",
      extensions,
    );
    return { cert, key };
  }
}
