import { create } from "@bufbuild/protobuf";
import { ServerError } from "../../domain/error.ts";
import type { Caller } from "../../domain/invocation.ts";
import {
  type DescribeResponse,
  DescribeResponseSchema,
  type RegisterRequest,
  type RegisterResponse,
  RegisterResponseSchema,
} from "../../gen/troupe/v1/host_pb.ts";
import type { DialTransport } from "../../node/ports.ts";
import { assert } from "../../std/assert.ts";
import { decodeMessage } from "../gates/message.ts";
import { checkedTypes } from "./actor-type.ts";
import { checkedEndpoint, type DialPolicy } from "./dial-endpoint.ts";
import { DIAL_HEADERS, DialledHost, type DialledProfile } from "./dialled-host.ts";
import { admitHost, type HostLinkOptions, identifyHost } from "./host-link-options.ts";
import { checkVersion, NEWEST_VERSION } from "./host-version.ts";

const DESCRIBE_PATH = "/troupe.v1.ActorHostService/Describe";
const DESCRIBE_TIMEOUT_MS = 5_000;
const PROBE_EVERY_MS = 5_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** A host that was not reached for so long has gone; it registers again if it comes back. */
const FORGET_AFTER_MS = 3_600_000;
const MOST_ENDPOINTS = 1_000;
const MOST_CONCURRENCY = 1_000_000;
const NO_BODY = new Uint8Array(0);

/** Hosts that the server calls: takes their registrations and watches over them. */
export class DialledHosts {
  readonly #options: HostLinkOptions;
  readonly #transport: DialTransport;
  readonly #policy: DialPolicy;
  readonly #endpoints = new Map<string, DialledEndpoint>();

  constructor(options: HostLinkOptions, transport: DialTransport, policy: DialPolicy) {
    this.#options = options;
    this.#transport = transport;
    this.#policy = policy;
  }

  /**
   * Registers the host at an endpoint and calls it once. `caller` is who the channel shows; a token
   * in the request goes before. Rejects with `ServerError`; nothing is registered then.
   */
  async register(request: RegisterRequest, caller: Caller): Promise<RegisterResponse> {
    checkVersion(request.version);
    const identity = await this.#identify(request, caller);
    const endpoint = checkedEndpoint(request.endpoint, this.#policy);
    this.#checkFree(endpoint, identity);
    const fresh = new DialledEndpoint(this.#options, this.#transport, endpoint, () => {
      if (this.#endpoints.get(endpoint) === fresh) this.#endpoints.delete(endpoint);
    });
    await fresh.meet(request, identity);
    // Others may have registered while the host was asked.
    this.#checkFree(endpoint, identity);
    const hostId = fresh.start();
    this.#endpoints.get(endpoint)?.stop("the host registered again");
    this.#endpoints.set(endpoint, fresh);
    return create(RegisterResponseSchema, { hostId, version: NEWEST_VERSION });
  }

  /** Calls no host any more. */
  stop(): void {
    for (const endpoint of [...this.#endpoints.values()]) endpoint.stop("the server is stopping");
  }

  /** Throws `ServerError` if the endpoint is another identity's, or there is no room for it. */
  #checkFree(endpoint: string, identity: Caller): void {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined && !known.belongsTo(identity)) {
      throw new ServerError(
        "access.denied",
        "the endpoint belongs to another identity",
        "not_started",
        {
          reason: "ENDPOINT_OWNED",
        },
      );
    }
    if (known === undefined && this.#endpoints.size >= MOST_ENDPOINTS) {
      throw new ServerError("quota.exceeded", "too many hosts are registered", "not_started", {
        reason: "ENDPOINTS",
        retryAfterMs: PROBE_EVERY_MS,
      });
    }
  }

  async #identify({ token }: RegisterRequest, caller: Caller): Promise<Caller> {
    if (token === "") return admitHost(this.#options, caller);
    const credentials = {
      authorization: `Bearer ${token}`,
      remoteAddress: "",
      secure: false,
      certificate: undefined,
    };
    return identifyHost(this.#options, credentials);
  }
}

/** One endpoint: its link while the host answers, and probes that bring it back when it does not. */
class DialledEndpoint {
  readonly #options: HostLinkOptions;
  readonly #transport: DialTransport;
  readonly #endpoint: string;
  readonly #forgotten: () => void;
  #profile: DialledProfile | undefined;
  #link: DialledHost | undefined;
  #stopTimer: (() => void) | undefined;
  #failures = 0;
  #lastSeenMs = 0;
  #stopped = false;

  constructor(
    options: HostLinkOptions,
    transport: DialTransport,
    endpoint: string,
    forgotten: () => void,
  ) {
    this.#options = options;
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#forgotten = forgotten;
  }

  belongsTo({ kind, id }: Caller): boolean {
    const owner = this.#profile?.identity;
    return owner?.kind === kind && owner.id === id;
  }

  /** Calls the host and finds out who it is. Rejects with `ServerError`. */
  async meet(request: RegisterRequest, identity: Caller): Promise<void> {
    let described: DescribeResponse;
    try {
      described = await this.#describe();
    } catch (error) {
      throw new ServerError(
        "host.unavailable",
        "the server cannot reach the endpoint",
        "not_started",
        {
          reason: "ENDPOINT_UNREACHABLE",
          cause: error,
        },
      );
    }
    checkVersion(described.version);
    const types = request.types.length > 0 ? request.types : described.types;
    const concurrency =
      request.concurrency || described.concurrency || this.#options.limits.hostCredit;
    this.#profile = {
      endpoint: this.#endpoint,
      name: request.hostName,
      sdk: described.sdk,
      identity,
      specs: checkedTypes(types),
      concurrency: Math.min(concurrency, MOST_CONCURRENCY),
    };
  }

  /** Links the host that was met; answers the id of the link. Throws `ServerError`. */
  start(): string {
    assert(this.#profile !== undefined, "a host is met before it is linked");
    const link = this.#attach(this.#profile);
    this.#schedule();
    return link.id;
  }

  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopTimer?.();
    this.#link?.lose(reason);
    this.#forgotten();
  }

  #attach(profile: DialledProfile): DialledHost {
    const link = new DialledHost(this.#options, this.#transport, profile, () =>
      this.stop("the server closed the link"),
    );
    this.#options.gate.attach(link, profile.specs, profile.concurrency);
    this.#link = link;
    this.#failures = 0;
    this.#lastSeenMs = this.#options.clock.now();
    return link;
  }

  #schedule(): void {
    if (this.#stopped) return;
    const delayMs = Math.min(
      LONGEST_BACK_OFF_MS,
      PROBE_EVERY_MS * 2 ** Math.max(0, this.#failures - 1),
    );
    this.#stopTimer = this.#options.clock.setTimer(delayMs, () => void this.#probe());
  }

  /** Never rejects. */
  async #probe(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.#describe();
      if (this.#stopped) return;
      this.#lastSeenMs = clock.now();
      this.#failures = 0;
      const profile = this.#profile;
      // A link that a failed call has ended is made anew.
      if (profile !== undefined && this.#link?.ended !== false) this.#attach(profile);
    } catch (error) {
      if (this.#stopped) return;
      this.#failures += 1;
      this.#link?.lose("the host does not answer");
      log.debug("host_probe_failed", {
        endpoint: this.#endpoint,
        failures: this.#failures,
        error: String(error),
      });
      if (clock.now() - this.#lastSeenMs > FORGET_AFTER_MS) return this.stop("the host is gone");
    }
    this.#schedule();
  }

  async #describe(): Promise<DescribeResponse> {
    const { status, body } = await this.#transport.post(
      this.#endpoint,
      DESCRIBE_PATH,
      DIAL_HEADERS,
      NO_BODY,
      { timeoutMs: DESCRIBE_TIMEOUT_MS, limitBytes: this.#options.limits.messageBytes },
    );
    if (status !== 200) throw new Error(`the host answered with status ${status}`);
    return decodeMessage(DescribeResponseSchema, body, false, this.#options.limits);
  }
}
