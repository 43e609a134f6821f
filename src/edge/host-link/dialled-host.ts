import type { Caller } from "../../domain/invocation.ts";
import type { ActorTypeSpec } from "../../domain/actor.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import type { HostLink } from "../../node/host-port.ts";
import type { DialTransport } from "../../node/ports.ts";
import { ProtoReader, type ReadLimits } from "../wire/reader.ts";
import { ProtoWriter } from "../wire/writer.ts";
import { type HostLinkOptions, maxFrameBytes, newLinkId } from "./host-link-options.ts";
import { RunningInvocations } from "./running-invocations.ts";
import { writeInvocation } from "./wire-invocation.ts";
import { type RawResult, readResult } from "./wire-result.ts";

export const DIAL_HEADERS = Object.freeze({
  "content-type": "application/proto",
  "connect-protocol-version": "1",
});

/** Who a dialled host is. */
export interface DialledProfile {
  readonly endpoint: string;
  readonly name: string;
  readonly sdk: string;
  readonly identity: Caller;
  readonly specs: readonly ActorTypeSpec[];
  readonly concurrency: number;
}

const EXECUTE_PATH = "/troupe.v1.ActorHostService/Execute";
/** A request is closed when it has this many bytes. */
const BATCH_BYTES = 1024 * 1024;
/** What an answer may take beyond the last deadline of its turns. */
const GRACE_MS = 1_000;
const READ_LIMITS: ReadLimits = Object.freeze({ depth: 16, elements: 200_000 });

/** The link to a host that the server calls: one POST carries what one tick brought. */
export class DialledHost implements HostLink {
  readonly kind = "dial";
  readonly weight = 1;
  readonly id: string;
  readonly #options: HostLinkOptions;
  readonly #transport: DialTransport;
  readonly #profile: DialledProfile;
  readonly #running: RunningInvocations;
  readonly #closed: () => void;
  readonly #writer = new ProtoWriter(16 * 1024);
  #pending: HostInvocation[] = [];
  #ended = false;

  /** `closed` is called if the node, and not a failure, ends the link. */
  constructor(
    options: HostLinkOptions,
    transport: DialTransport,
    profile: DialledProfile,
    closed: () => void,
  ) {
    this.#options = options;
    this.#transport = transport;
    this.#profile = profile;
    this.#closed = closed;
    this.id = newLinkId(options.random);
    this.#running = new RunningInvocations(options.limits);
    this.#running.register(profile.specs);
  }

  get name(): string {
    return this.#profile.name;
  }
  get sdk(): string {
    return this.#profile.sdk;
  }
  get identity(): Caller {
    return this.#profile.identity;
  }

  get ended(): boolean {
    return this.#ended;
  }

  execute(invocation: HostInvocation): void {
    if (this.#ended) return;
    this.#running.add(invocation);
    this.#pending.push(invocation);
    if (this.#pending.length === 1) this.#options.clock.defer(() => this.#flush());
  }

  /** A request that is under way cannot be taken back; the host knows each turn's deadline. */
  cancel(): void {}

  /** A dialled host has nothing to attach elsewhere: it is simply not called any more. */
  drain(): void {}

  close(reason: string): void {
    this.#closed();
    this.lose(reason);
  }

  /** The host does not answer, or nobody wants it to: its running turns committed nothing. */
  lose(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.gate.lost(this, reason);
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    if (this.#ended) return;
    const { clock, gate } = this.#options;
    const context = { now: clock.now(), token: (turnId: number) => gate.token(this, turnId) };
    let batch: HostInvocation[] = [];
    this.#writer.reset();
    for (const invocation of pending) {
      writeInvocation(this.#writer, 1, invocation, context);
      batch.push(invocation);
      if (this.#writer.length < BATCH_BYTES) continue;
      void this.#post(batch, this.#writer.finish());
      this.#writer.reset();
      batch = [];
    }
    if (batch.length > 0) void this.#post(batch, this.#writer.finish());
  }

  /**
   * Never rejects: a failure ends the link. A batch that takes too long fails alone, for other turns of
   * the host may be well; whether it lives at all is for the probes to find out.
   */
  async #post(batch: readonly HostInvocation[], body: Uint8Array): Promise<void> {
    const { clock, limits, gate } = this.#options;
    const begunMs = clock.now();
    let turns = 0;
    for (const invocation of batch) turns += invocation.turns.length;
    // A caller's short deadline is no reason to give up on the host, which has other turns to run.
    const timeoutMs = limits.hostTurnTimeoutMs + GRACE_MS;
    try {
      const { endpoint } = this.#profile;
      const bounds = { timeoutMs, limitBytes: maxFrameBytes(limits) };
      const answer = await this.#transport.post(endpoint, EXECUTE_PATH, DIAL_HEADERS, body, bounds);
      if (answer.status !== 200) throw new Error(`the host answered with status ${answer.status}`);
      const results = this.#results(batch, readResults(answer.body, limits.effectsPerTurn));
      if (this.#ended) return;
      if (results.length > 0) gate.results(this, results);
      gate.credit(this, turns);
    } catch (error) {
      if (clock.now() - begunMs >= timeoutMs) return this.#late(batch, turns);
      this.lose(error instanceof Error ? error.message : String(error));
    }
  }

  /** The node has given these turns up by itself: a turn's time is shorter than that of its request. */
  #late(batch: readonly HostInvocation[], turns: number): void {
    for (const { id } of batch) this.#running.forget(id);
    if (!this.#ended) this.#options.gate.credit(this, turns);
  }

  #results(batch: readonly HostInvocation[], raw: readonly RawResult[]): HostResult[] {
    const results = raw.map((result) => this.#running.take(result));
    for (const { id } of batch) {
      // What the answer left out will not be answered any more.
      if (this.#running.forget(id)) results.push(unanswered(id));
    }
    return results.filter((result) => result !== undefined);
  }
}

function unanswered(id: number): HostResult {
  const message = "the host left the invocation out of its answer";
  const failure = { code: "invalid_reply", message, reason: "HOST_REPLY_INVALID" };
  return { id, outcomes: [], state: undefined, tags: undefined, failure };
}

/** Reads an `ExecuteResponse`. Throws `WireError`. */
function readResults(bytes: Uint8Array, effectsPerTurn: number): RawResult[] {
  const reader = new ProtoReader(bytes, READ_LIMITS);
  const results: RawResult[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) results.push(readResult(reader, effectsPerTurn));
    else reader.skip(tag);
  }
  return results;
}
