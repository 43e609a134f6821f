import { createHmac, timingSafeEqual } from "node:crypto";
import type { StringMap } from "../../../src/contract/index.ts";
import { entryOf } from "../kit/outside-event.ts";

/** How a sender signs. */
export interface SignatureConfig {
  readonly secret: string;
  readonly previousSecret: string;
  readonly signatureHeader: string;
  readonly signaturePrefix: string;
  readonly signatureEncoding: "hex" | "base64";
}

/** 32 bytes as text. */
const DIGEST = { hex: /^[0-9a-fA-F]{64}$/, base64: /^[A-Za-z0-9+/]{43}=$/ } as const;

/** Checks HMAC-SHA256 signatures over the raw body, in a time that does not depend on the digits. */
export class WebhookSignature {
  readonly #config: SignatureConfig;
  readonly #secrets: readonly string[];

  constructor(config: SignatureConfig) {
    this.#config = config;
    this.#secrets = [config.secret, config.previousSecret].filter((secret) => secret !== "");
  }

  /** True if one of the secrets made the signature in the headers. */
  accepts(headers: StringMap, body: Uint8Array): boolean {
    const { signatureHeader, signaturePrefix, signatureEncoding } = this.#config;
    const header = entryOf(headers, signatureHeader.toLowerCase()) ?? "";
    if (!header.startsWith(signaturePrefix)) return false;
    const text = header.slice(signaturePrefix.length);
    // Decoding passes over what it does not know; a signature has nothing to pass over.
    if (!DIGEST[signatureEncoding].test(text)) return false;
    const given = Buffer.from(text, signatureEncoding);
    return this.#secrets.some((secret) => {
      const made = createHmac("sha256", secret).update(body).digest();
      return given.length === made.length && timingSafeEqual(given, made);
    });
  }
}
