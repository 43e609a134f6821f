import type { Credentials } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { ANONYMOUS } from "../domain/invocation.ts";
import type { Clock, HttpRequest } from "../node/ports.ts";
import type { Authenticate, EdgeLimits } from "./api-options.ts";

const KINDS: ReadonlySet<unknown> = new Set([
  "anonymous",
  "client",
  "host",
  "peer",
  "admin",
  "system",
]);
const MINUTE_MS = 60_000;
const REMEMBERED_ADDRESSES = 10_000;
/** How long a refusal is held back from an address that keeps guessing, and how many are held. */
const PENALTY_MS = 1_000;
const HELD_REFUSALS = 1_000;

/** What the channel of a request shows of its caller. */
export function credentialsOf(request: HttpRequest): Credentials {
  return {
    authorization: request.header("authorization") ?? "",
    remoteAddress: request.remoteAddress,
    secure: request.secure,
    certificate: request.peerCertificate,
  };
}

/** Finds out who calls, before the body of a request is read. One per listener. */
export class Authentication {
  readonly #authenticate: Authenticate | undefined;
  readonly #limits: EdgeLimits;
  readonly #clock: Clock;
  /** Wrong credentials by address since `since`; the whole map is dropped every minute. */
  #wrong = new Map<string, number>();
  #since = 0;
  #held = 0;

  constructor(authenticate: Authenticate | undefined, limits: EdgeLimits, clock: Clock) {
    this.#authenticate = authenticate;
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Calls `done` exactly once, at once where the authenticator answers at once: with the caller, or
   * with the refusal (`identity.missing`; `state.unavailable` if the authenticator failed).
   */
  identify(credentials: Credentials, done: (found: Caller | ServerError) => void): void {
    const authenticate = this.#authenticate;
    if (authenticate === undefined) return done(ANONYMOUS);
    if (credentials.authorization.length > this.#limits.tokenBytes) {
      return this.#refuse(credentials, missing("TOKEN_TOO_LARGE", "the token is too large"), done);
    }
    let found: ReturnType<Authenticate>;
    try {
      found = authenticate(credentials);
    } catch (error) {
      return done(failed(error));
    }
    if (!(found instanceof Promise)) return this.#settle(credentials, found, done);
    const cancel = this.#clock.setTimer(this.#limits.authenticateMs, () =>
      finish(failed(undefined)),
    );
    let finish = (answer: Caller | ServerError): void => {
      finish = () => undefined;
      cancel();
      done(answer);
    };
    found.then(
      (caller) => this.#settle(credentials, caller, (answer) => finish(answer)),
      (error: unknown) => finish(failed(error)),
    );
  }

  #settle(
    credentials: Credentials,
    found: unknown,
    done: (found: Caller | ServerError) => void,
  ): void {
    if (isCaller(found)) done(found);
    else this.#refuse(credentials, missing("CREDENTIALS", "valid credentials are required"), done);
  }

  /** Refuses; late, once an address has guessed too often, so that guessing does not pay. */
  #refuse(
    credentials: Credentials,
    error: ServerError,
    done: (found: Caller | ServerError) => void,
  ): void {
    const guessing =
      credentials.authorization !== "" && this.#isGuessing(credentials.remoteAddress);
    if (!guessing || this.#held >= HELD_REFUSALS) return done(error);
    this.#held += 1;
    this.#clock.setTimer(PENALTY_MS, () => {
      this.#held -= 1;
      done(error);
    });
  }

  #isGuessing(address: string): boolean {
    const now = this.#clock.now();
    if (now - this.#since > MINUTE_MS || this.#wrong.size >= REMEMBERED_ADDRESSES) {
      this.#wrong = new Map();
      this.#since = now;
    }
    const count = (this.#wrong.get(address) ?? 0) + 1;
    this.#wrong.set(address, count);
    return count > this.#limits.wrongTokensPerMinute;
  }
}

function isCaller(found: unknown): found is Caller {
  if (typeof found !== "object" || found === null) return false;
  const { kind, id, roles } = found as Partial<Record<keyof Caller, unknown>>;
  return KINDS.has(kind) && typeof id === "string" && Array.isArray(roles);
}

function missing(reason: string, message: string): ServerError {
  return new ServerError("identity.missing", message, "not_started", { reason });
}

/** An authenticator that breaks or hangs lets nobody in. */
function failed(cause: unknown): ServerError {
  const message = "the authenticator did not answer";
  const reason = "AUTHENTICATOR_UNAVAILABLE";
  return new ServerError("state.unavailable", message, "not_started", { reason, cause });
}
