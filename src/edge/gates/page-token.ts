import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { refuse } from "./refusal.ts";

const MAC_BYTES = 16;
const TOKEN_LIMIT = 2_048;
const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
const UTF8 = new TextEncoder();

/**
 * Page tokens that only this cluster can make, and only for the query they were made for: the place
 * to go on, and an HMAC-SHA-256 (RFC 2104, cut to 16 bytes) over it, the query and the caller.
 */
export class PageTokens {
  readonly #secret: Uint8Array;
  #key: Promise<CryptoKey> | undefined;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** A token for going on at `place` in the query that `scope` spells out. */
  async make(scope: readonly unknown[], place: readonly unknown[]): Promise<string> {
    const text = UTF8.encode(JSON.stringify(place));
    const token = new Uint8Array(MAC_BYTES + text.length);
    token.set(await this.#mac(scope, text));
    token.set(text, MAC_BYTES);
    return base64Encode(token, "url");
  }

  /** The place in `token`; undefined for "". Rejects with `ServerError` if it is not of this query. */
  async place(scope: readonly unknown[], token: string): Promise<readonly unknown[] | undefined> {
    if (token === "") return undefined;
    if (token.length > TOKEN_LIMIT) throw refuse("BAD_PAGE_TOKEN");
    let bytes: Uint8Array;
    try {
      bytes = base64Decode(token);
    } catch {
      throw refuse("BAD_PAGE_TOKEN");
    }
    const text = bytes.subarray(MAC_BYTES);
    const expected = await this.#mac(scope, text);
    let difference = bytes.length < MAC_BYTES ? 1 : 0;
    // Every byte is looked at, so that the time taken tells nothing about the first wrong one.
    expected.forEach((byte, index) => {
      difference |= byte ^ (bytes[index] ?? 0);
    });
    if (difference !== 0) throw refuse("BAD_PAGE_TOKEN");
    return JSON.parse(new TextDecoder().decode(text)) as readonly unknown[];
  }

  async #mac(scope: readonly unknown[], text: Uint8Array): Promise<Uint8Array> {
    this.#key ??= crypto.subtle.importKey("raw", plain(this.#secret), HMAC, false, ["sign"]);
    const scopeText = UTF8.encode(`${JSON.stringify(scope)}\n`);
    const signed = new Uint8Array(scopeText.length + text.length);
    signed.set(scopeText);
    signed.set(text, scopeText.length);
    const mac = await crypto.subtle.sign("HMAC", await this.#key, signed);
    return new Uint8Array(mac, 0, MAC_BYTES);
  }
}

/** The same bytes in a buffer of their own, as the crypto interface wants them. */
const plain = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
