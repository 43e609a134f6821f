import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of a certificate and its key (PEM). */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** An authority of its own for one test, and what it signs; needs `openssl`. */
export class CertificateAuthority {
  readonly pair: CertificatePair;
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.pair = this.#paths(name);
    const { cert, key } = this.pair;
    this.#openssl(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  }

  /** A certificate for `altNames`, e.g. `IP:127.0.0.1`. */
  issue(name: string, altNames: string): CertificatePair {
    const { cert, key } = this.#paths(`${this.#name}-${name}`);
    const request = `${cert}.csr`;
    const extensions = `${cert}.ext`;
    writeFileSync(extensions, `subjectAltName=${altNames}\n`);
    this.#openssl("req", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
    const signer = ["-CA", this.pair.cert, "-CAkey", this.pair.key, "-CAcreateserial"];
    this.#openssl(
      "x509",
      "-req",
      "-in",
      request,
      ...signer,
      "-out",
      cert,
      "-days",
      "2",
      "-extfile",
      extensions,
    );
    return { cert, key };
  }

  #paths(name: string): CertificatePair {
    return { cert: join(this.#folder, `${name}.crt`), key: join(this.#folder, `${name}.key`) };
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: "ignore" });
  }
}
