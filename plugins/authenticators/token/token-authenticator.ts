import { readFile, stat } from "node:fs/promises";
import type {
  Authenticator,
  AuthenticatorHost,
  Caller,
  Credentials,
} from "../../../src/contract/index.ts";
import { ChangePoll } from "../../../src/std/change-poll.ts";
import {
  type ReadTokens,
  readTokenItems,
  readTokenLines,
  type TokenEntry,
  TokenSet,
} from "./token-set.ts";

/** Options of one instance. */
export interface TokenConfig {
  readonly file: string;
  readonly tokens: readonly string[];
}

/** Longest `authorization` header that is looked at. */
const MAX_HEADER_CHARACTERS = 8 * 1024;

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const POLL_MS = 1_000;
const EXIT_CONFIG = 78;

// RFC 6750: the scheme in any case, one or more blanks, the token.
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Accepts static bearer tokens. Whatever it does not know it leaves to the next authenticator. It
 * holds nobody back: behind a proxy all callers have one address, and a right token must not be
 * refused for what others guess there; the listener answers those who guess late.
 */
export class TokenAuthenticator implements Authenticator {
  readonly #config: TokenConfig;
  readonly #host: AuthenticatorHost;
  readonly #poll: ChangePoll;
  readonly #fixed: readonly TokenEntry[];
  #tokens: TokenSet;

  /** Throws on a token that is too short, and if neither a file nor a token is given. */
  constructor(config: TokenConfig, host: AuthenticatorHost) {
    this.#config = config;
    this.#host = host;
    if (config.file === "" && config.tokens.length === 0) {
      throw new Error("neither file nor tokens is given");
    }
    const fixed = readTokenItems(config.tokens);
    if (fixed.kind === "refused") throw new Error(fixed.message);
    this.#fixed = fixed.entries;
    this.#tokens = new TokenSet(fixed.entries);
    this.#poll = new ChangePoll({
      intervalMs: POLL_MS,
      setTimer: (delayMs, callback) => host.clock.setTimer(delayMs, callback),
      fingerprint: () => this.#fingerprint(),
      changed: () => this.#reload(),
    });
  }

  /** Rejects if the file is missing or any of its lines cannot be read. */
  async start(): Promise<void> {
    if (this.#config.file === "") return;
    const fingerprint = await this.#fingerprint();
    const read = await this.#readFile();
    if (read.kind === "refused") {
      const message = `token file ${this.#config.file}: ${read.message}`;
      const { reason } = read;
      throw this.#host.error("request.invalid", message, "not_started", {
        reason,
        exitCode: EXIT_CONFIG,
      });
    }
    this.#adopt(read.entries);
    this.#poll.start(fingerprint);
  }

  async stop(): Promise<void> {
    this.#poll.stop();
  }

  authenticate(credentials: Credentials): Caller | undefined {
    const { authorization } = credentials;
    if (authorization === "" || authorization.length > MAX_HEADER_CHARACTERS) return undefined;
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    const caller = this.#tokens.find(token);
    if (caller === undefined) this.#host.meter.count("unknown_total");
    return caller;
  }

  async #readFile(): Promise<ReadTokens> {
    try {
      const { size } = await stat(this.#config.file);
      if (size > MAX_FILE_BYTES) {
        const message = `it has more than ${MAX_FILE_BYTES} bytes`;
        return { kind: "refused", reason: "too_large", message };
      }
      return readTokenLines(await readFile(this.#config.file, "utf8"));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      const reason = code === "ENOENT" ? "not_found" : "token_file";
      return { kind: "refused", reason, message: `it cannot be read: ${code}` };
    }
  }

  async #fingerprint(): Promise<string> {
    const found = await stat(this.#config.file, { bigint: true }).catch(() => undefined);
    return `${found?.ino} ${found?.size} ${found?.mtimeNs} ${found?.ctimeNs}`;
  }

  async #reload(): Promise<void> {
    const read = await this.#readFile();
    if (read.kind === "ok") {
      this.#adopt(read.entries);
      this.#host.meter.count("reload_total");
      this.#host.log.info("token.reloaded", { tokens: read.entries.length });
      this.#host.report("ok");
      return;
    }
    this.#host.meter.count("reload_rejected_total");
    this.#host.log.error("token.reload_rejected", { problem: read.message });
    this.#host.report("degraded", `the tokens stay as they were: ${read.message}`);
  }

  #adopt(entries: readonly TokenEntry[]): void {
    this.#tokens = new TokenSet([...this.#fixed, ...entries]);
  }
}
