import { create, toBinary } from "@bufbuild/protobuf";
import type { Credentials } from "../../contract/authenticator.ts";
import { ServerError, toServerError } from "../../domain/error.ts";
import { ANONYMOUS, type Caller } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import { type Hello, WelcomeSchema } from "../../gen/troupe/v1/host_pb.ts";
import type { HostLink } from "../../node/host-port.ts";
import { checkedTypes } from "./actor-type.ts";
import { type AttachFrame, readAttachFrame } from "./attach-frame.ts";
import { HostCalls } from "./host-calls.ts";
import { type HostLinkOptions, identifyHost, newLinkId } from "./host-link-options.ts";
import type { HostTransport } from "./host-transport.ts";
import { checkVersion, NEWEST_VERSION } from "./host-version.ts";
import { OutgoingFrames } from "./outgoing-frames.ts";
import { RunningInvocations } from "./running-invocations.ts";

const HELLO_TIMEOUT_MS = 10_000;
/** Frames that may come while the host's token is being checked, and their bytes with the hello's. */
const MOST_EARLY_FRAMES = 16;
const MOST_EARLY_BYTES = 1024 * 1024;
const MOST_CREDIT = 1_000_000;
const LONGEST_NAME = 128;

/**
 * One attached host: reads what it says, from the first frame on, and is the link that the node runs
 * turns on. The transport calls `receive` for every frame and `ended` once.
 */
export class AttachedHost implements HostLink {
  readonly kind = "attach";
  readonly id: string;
  readonly #options: HostLinkOptions;
  readonly #transport: HostTransport;
  readonly #credentials: Credentials;
  readonly #running: RunningInvocations;
  readonly #frames: OutgoingFrames;
  readonly #calls: HostCalls;
  readonly #stopHelloTimer: () => void;
  #phase: "hello" | "authenticating" | "attached" | "ended" = "hello";
  #early: AttachFrame[] = [];
  #earlyBytes = 0;
  #hello: Hello | undefined;
  #identity: Caller = ANONYMOUS;

  /** `credentials` is what the channel shows; the token of the first frame goes before its header. */
  constructor(options: HostLinkOptions, transport: HostTransport, credentials: Credentials) {
    const { clock, gate, limits, random } = options;
    this.#options = options;
    this.#transport = transport;
    this.#credentials = credentials;
    this.id = newLinkId(random);
    this.#running = new RunningInvocations(limits);
    this.#frames = new OutgoingFrames(
      clock,
      transport,
      (turnId) => gate.token(this, turnId),
      (error) => this.#end(error.message, error),
    );
    this.#calls = new HostCalls(
      options,
      (turn) => this.#running.holds(turn),
      (write) => this.#frames.answer(write),
    );
    this.#stopHelloTimer = clock.setTimer(HELLO_TIMEOUT_MS, () => {
      const error = new ServerError(
        "call.deadline",
        "the host did not say hello in time",
        "not_started",
        {
          reason: "HELLO_TIMEOUT",
        },
      );
      this.#end(error.message, error);
    });
  }

  get name(): string {
    return this.#hello?.hostName ?? "";
  }
  get sdk(): string {
    return this.#hello?.sdk ?? "";
  }
  get weight(): number {
    const weight = this.#hello?.weight ?? 0;
    // What is no sensible number is as good as none.
    return Number.isFinite(weight) && weight > 0 ? weight : 1;
  }
  get identity(): Caller {
    return this.#identity;
  }

  execute(invocation: HostInvocation): void {
    if (this.#phase === "ended") return;
    this.#running.add(invocation);
    this.#frames.invoke(invocation);
  }

  cancel(invocationId: number): void {
    if (this.#running.has(invocationId)) this.#frames.cancel(invocationId);
  }

  drain(): void {
    this.#frames.drain();
  }

  close(reason: string): void {
    this.#end(
      reason,
      new ServerError("node.draining", reason, "not_applied", { reason: "LINK_CLOSED" }),
    );
  }

  /** One frame from the host. */
  receive(bytes: Uint8Array): void {
    if (this.#phase === "ended") return;
    try {
      if (this.#phase !== "attached") this.#countEarly(bytes.length);
      const frame = readAttachFrame(bytes, this.#options.limits);
      if (this.#phase === "attached") this.#take(frame);
      else this.#takeEarly(frame);
    } catch (error) {
      this.fail(toServerError(error, "not_started"));
    }
  }

  /** The host sent something that cannot be gone on from. */
  fail(error: ServerError): void {
    this.#end(error.message, error);
  }

  /** The host closed the stream, or the connection is lost. */
  ended(reason: string): void {
    this.#end(reason, undefined);
  }

  /** Of somebody unknown little is read and kept. */
  #countEarly(bytes: number): void {
    this.#earlyBytes += bytes;
    if (this.#earlyBytes > MOST_EARLY_BYTES) {
      throw protocolError("the host sends too much before it is welcome", "EARLY_FRAMES");
    }
  }

  #takeEarly(frame: AttachFrame): void {
    if (this.#phase === "hello") {
      const { hello } = frame;
      if (hello === undefined)
        throw protocolError("the first frame of a host is its hello", "HELLO_MISSING");
      this.#stopHelloTimer();
      this.#phase = "authenticating";
      frame.hello = undefined;
      this.#early.push(frame);
      this.#greet(hello).catch((error: unknown) => this.fail(toServerError(error, "not_started")));
      return;
    }
    if (this.#early.length >= MOST_EARLY_FRAMES) {
      throw protocolError("the host sends before it is welcome", "EARLY_FRAMES");
    }
    this.#early.push(frame);
  }

  async #greet(hello: Hello): Promise<void> {
    const { gate, limits, nodeName } = this.#options;
    checkVersion(hello.version);
    if (hello.hostName.length > LONGEST_NAME || hello.sdk.length > LONGEST_NAME) {
      throw protocolError("the name of the host is too long", "HOST_NAME");
    }
    const { token } = hello;
    const authorization = token === "" ? this.#credentials.authorization : `Bearer ${token}`;
    const identity = await identifyHost(this.#options, { ...this.#credentials, authorization });
    if (this.#phase === "ended") return;
    const specs = checkedTypes(hello.types);
    this.#identity = identity;
    // The token has served; a link lives long.
    this.#hello = { ...hello, token: "" };
    this.#running.register(specs);
    this.#phase = "attached";
    this.#frames.welcome(
      toBinary(
        WelcomeSchema,
        create(WelcomeSchema, {
          hostId: this.id,
          version: NEWEST_VERSION,
          node: nodeName,
          maxMessageBytes: limits.messageBytes,
        }),
      ),
    );
    try {
      gate.attach(
        this,
        specs,
        Math.min(hello.credit === 0 ? limits.hostCredit : hello.credit, MOST_CREDIT),
      );
    } catch (error) {
      // Never attached, so it cannot be lost.
      this.#phase = "authenticating";
      throw error;
    }
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.#take(frame);
  }

  #take(frame: AttachFrame): void {
    const { gate } = this.#options;
    if (frame.hello !== undefined) throw protocolError("a host says hello once", "HELLO_TWICE");
    if (frame.results.length > 0) this.#takeResults(frame);
    for (const call of frame.calls) this.#calls.start(call);
    if (frame.credit > 0) gate.credit(this, Math.min(frame.credit, MOST_CREDIT));
    if (frame.types.length > 0) {
      const specs = checkedTypes(frame.types);
      this.#running.register(specs);
      gate.addTypes(this, specs);
    }
    if (frame.ping) this.#frames.pong();
    if (frame.draining) gate.draining(this);
  }

  #takeResults({ results }: AttachFrame): void {
    const known: HostResult[] = [];
    for (const raw of results) {
      const result = this.#running.take(raw);
      if (result !== undefined) known.push(result);
    }
    if (known.length > 0) this.#options.gate.results(this, known);
  }

  #end(reason: string, error: ServerError | undefined): void {
    const phase = this.#phase;
    if (phase === "ended") return;
    this.#phase = "ended";
    this.#stopHelloTimer();
    this.#calls.cancelAll();
    this.#frames.stop();
    this.#transport.close(error);
    const { gate, log } = this.#options;
    log.debug("host_link_ended", { link: this.id, host: this.name, reason });
    if (phase === "attached") gate.lost(this, reason);
  }
}

function protocolError(message: string, reason: string): ServerError {
  return new ServerError("request.invalid", message, "not_started", { reason });
}
