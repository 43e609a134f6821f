import type { Actor } from "./actor.ts";
import { CallFailure } from "./call-failure.ts";
import { openGrpcStream } from "./grpc-stream.ts";
import { hostProfile } from "./host-profile.ts";
import { type HostProfile, HostSession, type HostStream } from "./host-session.ts";
import { openWebSocketStream, type StreamEvents } from "./web-socket-stream.ts";

export { CallFailure } from "./call-failure.ts";
export { type DialledHost, listenHost, type ListenHostOptions } from "./listen-host.ts";

/** How a host attaches. Times in milliseconds. */
export interface ServeHostOptions {
  /** Address of a node, e.g. `http://127.0.0.1:7700`; of several, one after the other is tried. */
  readonly url: string | readonly string[];
  readonly token?: string;
  readonly actors: readonly Actor[];
  readonly system?: string;
  readonly transport?: "websocket" | "grpc";
  /** Turns that the host takes at once. */
  readonly credit?: number;
  readonly name?: string;
  /** Relative capacity among the hosts of a type. */
  readonly weight?: number;
  /** How long `close` waits for running turns. */
  readonly drainTimeoutMs?: number;
  /** Gives up connecting for the first time. */
  readonly signal?: AbortSignal;
  /** Told of every lost connection. */
  readonly disconnected?: (reason: CallFailure) => void;
}

/** A host that is attached, and attaches again whenever its connection is lost. */
export interface AttachedHost {
  /** Whether a server has welcomed the host and the stream is open. */
  readonly attached: boolean;
  /** Finishes running turns, takes no new ones and detaches. Resolves when that is done. */
  close(): Promise<void>;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
const PING_EVERY_MS = 15_000;
const SILENCE_MS = 45_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** Refusals that no repetition changes. */
const PERMANENT: ReadonlySet<string> = new Set([
  "unauthenticated",
  "permission_denied",
  "invalid_argument",
  "failed_precondition",
  "unimplemented",
]);

/**
 * Attaches actors to a server: opens a stream, registers the types and runs what comes. Resolves when
 * a server has welcomed the host; tries again as long as none answers, and rejects with `CallFailure`
 * if one refuses. Afterwards a lost connection is opened again with growing, jittered delays. Turns
 * that were running when it was lost committed nothing.
 */
export async function serveHost(options: ServeHostOptions): Promise<AttachedHost> {
  const host = new ReconnectingHost(options);
  await host.connect();
  return host;
}

class ReconnectingHost implements AttachedHost {
  readonly #options: ServeHostOptions;
  readonly #profile: HostProfile;
  readonly #urls: readonly string[];
  readonly #ping: ReturnType<typeof setInterval>;
  #session: HostSession | undefined;
  #stream: HostStream | undefined;
  #attached = false;
  #attempts = 0;
  #target = 0;
  #closing = false;
  #first: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #closed: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ServeHostOptions) {
    this.#options = options;
    this.#profile = hostProfile(options);
    this.#urls = typeof options.url === "string" ? [options.url] : options.url;
    this.#ping = setInterval(() => this.#checkHealth(), PING_EVERY_MS);
  }

  get attached(): boolean {
    return this.#attached;
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#options.signal?.addEventListener("abort", () => {
        this.#giveUp(new CallFailure("canceled", "connecting was given up", "not_started"));
      });
      this.#open();
    });
  }

  close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#ping);
    clearTimeout(this.#timer);
    const session = this.#session;
    if (session === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(
        () => this.#stream?.close(),
        this.#options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS,
      );
      this.#closed = () => {
        clearTimeout(deadline);
        resolve();
      };
      session.drain();
      this.#idle();
    });
  }

  #open(): void {
    const url = this.#urls[this.#target % this.#urls.length];
    if (url === undefined)
      return this.#giveUp(new CallFailure("invalid_argument", "no url was given", "not_started"));
    const open = this.#options.transport === "grpc" ? openGrpcStream : openWebSocketStream;
    const stream: HostStream = open(url, {
      opened: () => session.hello(),
      frame: (bytes) => this.#receive(session, stream, bytes),
      closed: (reason) => this.#lost(session, reason),
    } satisfies StreamEvents);
    const session = new HostSession(
      this.#profile,
      stream,
      () => this.#welcomed(),
      () => this.#idle(),
    );
    this.#session = session;
    this.#stream = stream;
  }

  #receive(session: HostSession, stream: HostStream, bytes: Uint8Array): void {
    try {
      session.receive(bytes);
    } catch {
      // A frame that cannot be read leaves no way to go on in this stream.
      stream.close();
    }
  }

  #welcomed(): void {
    this.#attached = true;
    this.#attempts = 0;
    this.#first?.resolve();
    this.#first = undefined;
  }

  /** Nothing runs: a host or a server that is going can go now. */
  #idle(): void {
    const session = this.#session;
    if (session === undefined || session.busy) return;
    if (this.#closing || session.serverDraining) this.#stream?.close();
  }

  #lost(session: HostSession, reason: CallFailure): void {
    session.end();
    this.#attached = false;
    this.#session = undefined;
    this.#stream = undefined;
    if (this.#closing) {
      this.#closed?.();
      return;
    }
    this.#options.disconnected?.(reason);
    if (this.#first !== undefined && PERMANENT.has(reason.code)) return this.#giveUp(reason);
    this.#target += 1;
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#open(), longest * (0.5 + Math.random() / 2));
  }

  #giveUp(reason: CallFailure): void {
    const first = this.#first;
    if (first === undefined) return;
    this.#first = undefined;
    this.#closing = true;
    clearInterval(this.#ping);
    clearTimeout(this.#timer);
    this.#stream?.close();
    first.reject(reason);
  }

  #checkHealth(): void {
    const session = this.#session;
    if (session === undefined || !this.#attached) return;
    if (session.silentMs > SILENCE_MS) this.#stream?.close();
    else session.ping();
  }
}
