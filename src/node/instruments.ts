import type { Counter, Gauge, Histogram, Sample } from "./metrics.ts";
import { Metrics } from "./metrics.ts";

/** Bounds of durations in seconds: 100 µs to 30 s. */
const SECONDS: readonly number[] = Object.freeze([
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
]);
const COUNTS: readonly number[] = Object.freeze([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);

/** Where the values come from that are read at each scrape. */
export interface Readings {
  readonly inFlight: () => number;
  readonly activations: () => number;
  /** Calls that wait in all mailboxes. */
  readonly mailboxCalls: () => number;
  /** Calls that wait in the longest one. */
  readonly longestMailbox: () => number;
  /** Attached hosts by kind. */
  readonly hosts: () => Iterable<readonly [kind: string, count: number]>;
  readonly stores: () => readonly StoreReading[];
  /** Of a node that is a member of a cluster. */
  readonly members: () => MemberReading | undefined;
}

/** What a node believes of the other members, at a scrape. */
export interface MemberReading {
  /** Alive and suspect members, this node among them. */
  readonly live?: number;
  readonly suspected?: number;
  /** Dead and gone ones that are remembered. */
  readonly tombstones?: number;
  /** 0 is healthy, 7 is worst. */
  readonly health: number;
}

/** One statestore at a scrape. */
export interface StoreReading {
  readonly name: string;
  readonly isUp: boolean;
  /** Milliseconds until the node must stop acting in it because its session could not be renewed. */
  readonly leaseMarginMs: number;
  /** Actors in memory whose state lives there. */
  readonly activations: number;
}

/**
 * Everything a node counts about itself. The methods are called on the hot path: they add to numbers
 * that exist already and never throw or wait. Durations are given in milliseconds and shown in
 * seconds.
 */
export class Instruments {
  readonly metrics: Metrics;
  readonly #rpc: Histogram;
  readonly #turn: Histogram;
  readonly #store: Histogram;
  readonly #batchActors: Histogram;
  readonly #loopLag: Histogram;
  readonly #rejected: Counter;
  readonly #aborted: Counter;
  readonly #activations: Counter;
  readonly #deactivations: Counter;
  readonly #dedupHits: Counter;
  readonly #commits: Counter;
  readonly #commitFailures: Counter;
  readonly #storeFailed: Counter;
  readonly #fenced: Counter;
  readonly #ambiguous: Counter;
  readonly #turns: Counter;
  readonly #anomalies: Counter;
  readonly #invariants: Counter;
  readonly #aclErrors: Counter;
  readonly #flags: Gauge;
  readonly #gossip: Counter;
  readonly #gossipDropped: Counter;
  readonly #forwarded: Counter;
  readonly #received: Counter;

  constructor(metrics: Metrics = new Metrics()) {
    this.metrics = metrics;
    this.#rpc = metrics.histogram("rpc_seconds", "Answered calls.", ["method", "code"], SECONDS);
    this.#turn = metrics.histogram(
      "turn_seconds",
      "Phases of turns; a sample of all turns.",
      ["type", "phase"],
      SECONDS,
    );
    this.#store = metrics.histogram(
      "store_seconds",
      "Calls of the statestore.",
      ["op", "code"],
      SECONDS,
    );
    this.#batchActors = metrics.histogram("commit_batch_actors", "Actors per commit.", [], COUNTS);
    this.#loopLag = metrics.histogram("loop_lag_seconds", "Lateness of a timer.", [], SECONDS);
    this.#rejected = metrics.counter("rejected_total", "Refused calls.", ["entry", "reason"]);
    this.#aborted = metrics.counter("aborted_total", "Calls whose peer went away.", ["phase"]);
    this.#activations = metrics.counter("activation_total", "Actors activated.");
    this.#deactivations = metrics.counter("deactivation_total", "Actors deactivated.", ["reason"]);
    this.#dedupHits = metrics.counter("dedup_hit_total", "Repeats that got the recorded reply.");
    this.#commits = metrics.counter("commit_total", "Transactions that committed turns.");
    this.#turns = metrics.counter("turn_committed_total", "Turns that were committed.");
    this.#commitFailures = metrics.counter(
      "commit_failed_total",
      "Actors whose commit did not go through, by outcome.",
      ["outcome"],
    );
    this.#storeFailed = metrics.counter(
      "store_failed_total",
      "Questions that a statestore did not answer.",
      ["store", "op"],
    );
    this.#fenced = metrics.counter("turn_fenced_total", "Commits refused to a former owner.");
    this.#ambiguous = metrics.counter("commit_ambiguous_total", "Commits of unknown outcome.");
    this.#anomalies = metrics.counter(
      "commit_fenced_anomaly_total",
      "Must stay 0: revisions or epochs that went wrong.",
      ["kind"],
    );
    this.#invariants = metrics.counter("invariant_failed_total", "Must stay 0: bugs.");
    this.#aclErrors = metrics.counter("acl_error_total", "Must stay 0: policies that broke.");
    this.#flags = metrics.gauge("unsafe", "Must stay 0: protections that are off.", ["what"]);
    this.#gossip = metrics.counter("gossip_bytes_total", "Bytes of membership.", ["direction"]);
    this.#gossipDropped = metrics.counter(
      "peer_dropped_total",
      "Packets and peers that were turned away.",
      ["reason"],
    );
    this.#forwarded = metrics.counter("forwarded_total", "Calls to other members.", ["code"]);
    this.#received = metrics.counter("received_total", "Calls from other members.", ["code"]);
  }

  /** One answered call; `code` is "ok" or Connect's. */
  observe(method: string, code: string, ms: number): void {
    this.#rpc.observe(ms / 1000, method, code);
  }

  rejected(entry: string, reason: string): void {
    this.#rejected.add(1, entry, reason);
  }

  aborted(phase: string): void {
    this.#aborted.add(1, phase);
  }

  activated(): void {
    this.#activations.add(1);
  }

  deactivated(reason: string): void {
    this.#deactivations.add(1, reason);
  }

  /** A repeated request id was answered from the record. */
  replayed(): void {
    this.#dedupHits.add(1);
  }

  /** How long a call waited for its turn. */
  queued(ms: number, type = ""): void {
    this.#turn.observe(ms / 1000, type, "queue");
  }

  /** How long an invocation was at its host. */
  hosted(ms: number, type = ""): void {
    this.#turn.observe(ms / 1000, type, "host");
  }

  /** One transaction went through. */
  committed(actors: number, turns: number, ms: number): void {
    this.#commits.add(1);
    this.#turns.add(turns);
    this.#batchActors.observe(actors);
    this.#store.observe(ms / 1000, "commit", "ok");
    this.#turn.observe(ms / 1000, "", "commit");
  }

  /** Actors of one transaction that were not committed. */
  failed(outcome: string, actors: number, store: string): void {
    this.#commitFailures.add(actors, outcome);
    if (outcome === "failed" || outcome === "unknown") this.#storeFailed.add(1, store, "commit");
    if (outcome === "fenced") this.#fenced.add(actors);
    if (outcome === "unknown") this.#ambiguous.add(actors);
  }

  /** One call of the statestore other than a commit; `code` is "ok" or an error code. */
  stored(op: string, code: string, ms: number, store: string): void {
    this.#store.observe(ms / 1000, op, code);
    if (code !== "ok") this.#storeFailed.add(1, store, op);
  }

  /** Safety: a gap in the revisions or an epoch that went back. */
  anomaly(kind: "rev_gap" | "epoch_back" | "state_unreadable" | "store_regressed"): void {
    this.#anomalies.add(1, kind);
  }

  /** Safety: a broken invariant. */
  invariantFailed(): void {
    this.#invariants.add(1);
  }

  /** Safety: a policy that threw; the call was refused. */
  aclFailed(): void {
    this.#aclErrors.add(1);
  }

  /** Bytes that were sent or received with one packet of membership. */
  packet(direction: "in" | "out", bytes: number): void {
    this.#gossip.add(bytes, direction);
  }

  /** A packet was thrown away or could not be sent, or a peer was refused. */
  dropped(reason: string): void {
    this.#gossipDropped.add(1, reason);
  }

  /** A call was answered by another member; `code` is "ok" or an error code. */
  forwarded(code: string): void {
    this.#forwarded.add(1, code);
  }

  /** A call of another member was taken; `code` is "ok" or an error code. */
  received(code: string): void {
    this.#received.add(1, code);
  }

  /** A protection that the operator switched off, or its return. */
  unsafe(what: "durability" | "authentication" | "tls", on: boolean): void {
    this.#flags.set(on ? 1 : 0, what);
  }

  loopLag(ms: number): void {
    this.#loopLag.observe(ms / 1000);
  }

  /** Says where the values come from that are read at each scrape. Called once. */
  read(readings: Readings): void {
    const { metrics } = this;
    const { inFlight, activations, mailboxCalls, longestMailbox } = readings;
    metrics.gaugeOf("inflight", "Calls under way.", inFlight);
    metrics.gaugeOf("activations", "Actors in memory.", activations);
    metrics.gaugeOf("mailbox_depth", "Calls that wait in mailboxes.", mailboxCalls);
    metrics.gaugeOf("mailbox_depth_max", "Calls in the longest mailbox.", longestMailbox);
    const hosts = (): readonly Sample[] =>
      Array.from(readings.hosts(), ([kind, value]) => ({ labels: [kind], value }));
    metrics.gaugeOf("hosts", "Attached hosts.", hosts, ["kind"]);
    metrics.gaugeOf("members", "Members by state.", () => membersOf(readings.members()), ["state"]);
    metrics.gaugeOf("member_health", "0 while others answer in time; 7 is worst.", () => {
      const reading = readings.members();
      return reading === undefined ? [] : [{ labels: [], value: reading.health }];
    });
    const perStore = (value: (store: StoreReading) => number) => (): readonly Sample[] =>
      readings.stores().map((store) => ({ labels: [store.name], value: value(store) }));
    const gauge = (name: string, help: string, value: (store: StoreReading) => number): void =>
      metrics.gaugeOf(name, help, perStore(value), ["store"]);
    gauge("store_up", "1 while the statestore can be reached.", ({ isUp }) => (isUp ? 1 : 0));
    gauge("store_activations", "Actors in memory by statestore.", (store) => store.activations);
    gauge(
      "lease_margin_seconds",
      "Time until the session ends unrenewed.",
      (store) => store.leaseMarginMs / 1000,
    );
  }
}

function membersOf(reading: MemberReading | undefined): readonly Sample[] {
  if (reading === undefined) return [];
  const { live = 0, suspected = 0, tombstones = 0 } = reading;
  return [
    { labels: ["alive"], value: live - suspected },
    { labels: ["suspect"], value: suspected },
    { labels: ["gone"], value: tombstones },
  ];
}
