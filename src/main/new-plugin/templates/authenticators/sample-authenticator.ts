import { createHash, timingSafeEqual } from "node:crypto";
import type { Authenticator, Caller, Credentials } from "../../../../contract/index.ts";

const SHORTEST_TOKEN = 32;
const LONGEST_HEADER = 8192;

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** Accepts one bearer token. Hashes are compared in constant time, whatever was shown. */
export class SampleAuthenticator implements Authenticator {
  readonly #digest: Uint8Array;
  readonly #caller: Caller;

  constructor(token: string, id: string) {
    if (token.length < SHORTEST_TOKEN) throw new Error(`token is shorter than ${SHORTEST_TOKEN}`);
    this.#digest = digest(token);
    this.#caller = Object.freeze({ kind: "client", id, roles: [] });
  }

  authenticate(credentials: Credentials): Caller | undefined {
    const { authorization } = credentials;
    if (authorization.length > LONGEST_HEADER) return undefined;
    const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    return timingSafeEqual(digest(token), this.#digest) ? this.#caller : undefined;
  }
}
