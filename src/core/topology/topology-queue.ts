import type { PartitionDecision } from "../../contract/index.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type { Member } from "../../domain/member.ts";
import { EMPTY_TOPOLOGY, type Topology } from "../../domain/topology.ts";
import { assert } from "../../std/assert.ts";
import { Changes } from "./changes.ts";
import { Fencing } from "./fencing.ts";
import { samePlacement, servesSystem } from "./member-changes.ts";
import { Roster } from "./roster.ts";
import type {
  FenceOutcome,
  PresentMember,
  Redistribution,
  TopologyEffect,
  TopologyInput,
  TopologyTimer,
} from "./topology-effects.ts";
import { leaveHooks, redistributionHooks } from "./topology-hooks.ts";
import type { TopologyQueueOptions } from "./topology-options.ts";

/*
 * What one system does about changes of membership, one batch after another:
 *
 *   idle -> evaluating -> fencing -> redistributing -> idle
 *              |                          |
 *              +-> idle (partitioned)     +-> evaluating: a newer batch takes over
 *
 * Whether this side may go on is decided before anything is fenced or moved. What a partitioned side
 * would have had to do is remembered and done if it is let to serve again.
 */

type Status = "new" | "idle" | "evaluating" | "fencing" | "redistributing";

/**
 * The topology of one system as one node sees it. `step` takes what happened and returns what to do,
 * in order; calls of users never wait for it. An `InvariantError` is a bug of the driver.
 */
export class TopologyQueue {
  readonly #options: TopologyQueueOptions;
  readonly #roster: Roster;
  readonly #changes = new Changes();
  readonly #fencing = new Fencing();
  #effects: TopologyEffect[] = [];
  #status: Status = "new";
  #nowMs = 0;
  #tokens = 0;
  /** Of the step under way: an answer with another is stale. */
  #stepToken = 0;
  /** Of the batch that is open, or 0. */
  #batchToken = 0;
  #settleToken = 0;
  #settleAtMs: number | undefined;
  #retryToken = 0;
  /** Something waits for the step under way to end. */
  #due = false;
  #locked = false;
  #decision: PartitionDecision | undefined;
  #storeReachable: boolean | undefined;
  #topology: Topology = EMPTY_TOPOLOGY;
  #redistributedUnder: Topology = EMPTY_TOPOLOGY;
  #job: Redistribution | undefined;

  constructor(options: TopologyQueueOptions) {
    this.#options = options;
    this.#roster = new Roster(options.settle);
  }

  /** The topology in force. */
  get topology(): Topology {
    return this.#topology;
  }

  /** The decision in force; `undefined` before the first. */
  get decision(): PartitionDecision | undefined {
    return this.#decision;
  }

  /** True while a change of topology is under way or waits for its batch. */
  get busy(): boolean {
    return this.#status !== "idle" || this.#changes.pending;
  }

  step(input: TopologyInput, nowMs: number): readonly TopologyEffect[] {
    this.#effects = [];
    this.#nowMs = nowMs;
    assert((input.kind === "start") === (this.#status === "new"), "a queue is started once, first");
    this.#dispatch(input);
    this.#watchSettling();
    return this.#effects;
  }

  #dispatch(input: TopologyInput): void {
    switch (input.kind) {
      case "start":
        return this.#start(input.present, input.storeReachable);
      case "up":
        return this.#up(input.member, input.aliveForMs);
      case "changed":
        return this.#changed(input.member);
      case "suspect":
      case "cleared":
        if (this.#roster.suspect(input.nodeId, input.kind === "suspect")) this.#publish();
        return;
      case "dead":
        return this.#dead(input.nodeId);
      case "left":
        return this.#left(input.nodeId);
      case "store":
        if (input.storeReachable === this.#storeReachable) return;
        this.#storeReachable = input.storeReachable;
        return this.#askAgain();
      case "reconsider":
        return this.#askAgain();
      case "decided":
        if (this.#awaits("evaluating", input.token)) this.#decided(input.decision);
        return;
      case "fenced":
        return this.#fenced(input.token, input.nodeId, input.outcome);
      case "redistributed":
        if (this.#awaits("redistributing", input.token)) this.#endJob();
        return;
      case "timer":
        return this.#timer(input.timer);
    }
  }

  #awaits(status: Status, token: number): boolean {
    return this.#status === status && this.#stepToken === token;
  }

  #start(present: readonly PresentMember[], storeReachable: boolean | undefined): void {
    const { system, self } = this.#options;
    this.#storeReachable = storeReachable;
    this.#status = "idle";
    // The oldest first: as long as nobody is old enough, whoever comes is taken at once.
    const others = [...present].sort((a, b) => b.aliveForMs - a.aliveForMs);
    for (const { member, aliveForMs } of [...others, { member: self, aliveForMs: 0 }]) {
      if (servesSystem(member, system)) this.#roster.enter(member, aliveForMs, this.#nowMs);
    }
    this.#publish();
    this.#redistributedUnder = this.#topology;
    this.#askAgain();
  }

  #up(member: Member, aliveForMs: number): void {
    const { nodeId } = member;
    if (!servesSystem(member, this.#options.system)) return this.#left(nodeId);
    const before = this.#roster.get(nodeId);
    if (before !== undefined && before.member.bootId !== member.bootId) {
      this.#effects.push({ kind: "purge", nodeId, bootId: before.member.bootId });
      this.#roster.restarts(nodeId, this.#nowMs);
      this.#enter(member, 0);
      this.#changes.lost(before.member, "restarted");
    } else if (before === undefined) {
      const diedAs = this.#roster.diedAs(nodeId);
      this.#hook({ name: "pre_node_join", payload: { node: nodeId } });
      this.#enter(member, aliveForMs);
      this.#hook({ name: "post_node_join", payload: { node: nodeId } });
      if (diedAs === member.bootId) this.#effects.push({ kind: "sync", nodeId });
    } else if (before.going) {
      this.#enter(member, aliveForMs);
      this.#effects.push({ kind: "sync", nodeId });
    } else {
      this.#roster.suspect(nodeId, false);
      return this.#changed(member);
    }
    // Whoever came waits for a batch that is open, but opens none.
    if (this.#batchToken === 0) this.#run();
  }

  #enter(member: Member, aliveForMs: number): void {
    const settled = this.#roster.enter(member, aliveForMs, this.#nowMs);
    this.#fencing.forget(member.nodeId);
    this.#changes.came(member);
    if (settled) this.#changes.joined(member.nodeId);
    this.#publish();
  }

  #changed(member: Member): void {
    const before = this.#roster.get(member.nodeId);
    if (before === undefined || before.going) return;
    if (!servesSystem(member, this.#options.system)) return this.#left(member.nodeId);
    this.#roster.update(member);
    this.#publish();
    if (samePlacement(before.member, member)) return;
    this.#changes.changed(member.nodeId);
    this.#openBatch();
  }

  #dead(nodeId: string): void {
    const before = this.#roster.get(nodeId);
    if (before === undefined || before.going || nodeId === this.#options.self.nodeId) return;
    this.#roster.died(before.member, this.#nowMs);
    this.#changes.went(before.member, "dead");
    this.#publish();
    this.#openBatch();
  }

  #left(nodeId: string): void {
    if (nodeId === this.#options.self.nodeId) return;
    const known = this.#roster.forget(nodeId);
    const before = this.#roster.get(nodeId);
    this.#fencing.forget(nodeId);
    if (before !== undefined) {
      this.#roster.left(nodeId);
      this.#changes.went(before.member, "left");
      this.#publish();
    }
    if (before !== undefined || known) this.#askAgain();
  }

  #askAgain(): void {
    this.#changes.ask = true;
    this.#run();
  }

  #openBatch(): void {
    if (this.#batchToken === 0) this.#batchToken = this.#later("batch", this.#options.batchMs);
  }

  #timer({ kind, token }: TopologyTimer): void {
    if (kind === "batch" && token === this.#batchToken) return this.#run();
    if (kind === "settle" && token === this.#settleToken) {
      this.#settleAtMs = undefined;
      // Some may settle within the batch: members that came together join together.
      return this.#openBatch();
    }
    if (kind === "fence-retry" && token === this.#retryToken) return this.#retryFences();
    if (kind !== "step" || token !== this.#stepToken) return;
    if (this.#status === "fencing") this.#redistribute();
    else if (this.#status === "redistributing") this.#endJob();
  }

  /** Takes up what is pending, or has it taken up when the step under way ends. */
  #run(): void {
    this.#batchToken = 0;
    if (this.#status === "evaluating" || this.#status === "fencing") {
      this.#due = true;
      return;
    }
    this.#due = false;
    for (const nodeId of this.#roster.settle(this.#nowMs)) this.#changes.joined(nodeId);
    const { ask, pending } = this.#changes; // What a partitioned side owes waits for a decision.
    if (!pending || (!ask && this.#decision?.kind !== "serve")) return;
    if (this.#status === "redistributing") this.#closeJob();
    this.#lock(true);
    if (!ask) return this.#proceed();
    this.#status = "evaluating";
    this.#stepToken = this.#nextToken();
    this.#roster.forgetBefore(this.#nowMs - this.#options.forgetMs);
    const view = {
      self: this.#options.self.nodeId,
      alive: this.#roster.alive(),
      known: this.#roster.known(),
      storeReachable: this.#storeReachable,
      ...this.#changes.told(),
      previous: this.#decision,
    };
    this.#effects.push({ kind: "evaluate", token: this.#stepToken, view });
  }

  #decided(decision: PartitionDecision): void {
    const before = this.#decision?.kind;
    this.#decision = decision;
    if (decision.kind === "serve") {
      if (before !== "serve") this.#effects.push({ kind: "serve" });
      if (before === "partitioned") this.#hook({ name: "partition_left", payload: {} });
      if (before !== "serve") this.#watchFences();
    } else if (before !== "partitioned") {
      const { reason } = decision;
      this.#effects.push({ kind: "stop", reason });
      this.#hook({ name: "partition_entered", payload: { reason } });
    }
    this.#proceed();
  }

  /** Does what is pending if this side goes on; else it stays pending. */
  #proceed(): void {
    if (this.#decision?.kind !== "serve") return this.#rest();
    const { gone, joined, changed } = this.#changes.take();
    if (gone.length + joined.length + changed.length === 0) return this.#rest();
    this.#hooks(leaveHooks("pre_node_leave", gone));
    for (const { member, how } of gone) {
      if (how === "dead" || how === "left") this.#roster.remove(member.nodeId);
    }
    this.#publish();
    const before = this.#redistributedUnder;
    this.#redistributedUnder = this.#topology;
    if (gone.length === 0 && !this.#options.rebalanceOnJoin) return this.#rest();
    this.#job = { before, after: this.#topology, gone, joined, changed, unfenced: [] };
    const held = this.#storeReachable === undefined ? [] : this.#fencing.begin(gone);
    if (held.length === 0) return this.#redistribute();
    this.#status = "fencing";
    this.#stepToken = this.#nextToken();
    for (const member of held) {
      this.#effects.push({ kind: "fence", token: this.#stepToken, member });
    }
    this.#schedule({ kind: "step", token: this.#stepToken }, this.#options.fenceMs);
  }

  #fenced(token: number, nodeId: string, outcome: FenceOutcome): void {
    if (this.#awaits("fencing", token)) {
      this.#fencing.answered(nodeId, outcome === "fenced");
      if (!this.#fencing.waits) this.#redistribute();
      return;
    }
    const member = this.#fencing.answeredLate(nodeId, outcome === "fenced");
    if (member === undefined) return;
    this.#changes.lost(member, "fenced");
    this.#run();
  }

  #retryFences(): void {
    if (this.#decision?.kind !== "serve") return; // Goes on when this side serves again.
    const token = this.#retryToken;
    const { unfenced } = this.#fencing;
    for (const member of unfenced) this.#effects.push({ kind: "fence", token, member });
    this.#watchFences();
  }

  #watchFences(): void {
    if (this.#fencing.unfenced.length === 0) return;
    this.#retryToken = this.#later("fence-retry", this.#fencing.nextRetryMs());
  }

  #redistribute(): void {
    assert(this.#job !== undefined, "a redistribution has a change");
    this.#fencing.end();
    const gone = new Set(this.#job.gone.map(({ member }) => member.nodeId));
    const ids = this.#fencing.unfenced.map(({ nodeId }) => nodeId).filter((id) => gone.has(id));
    this.#job = { ...this.#job, unfenced: ids };
    this.#watchFences();
    this.#status = "redistributing";
    this.#stepToken = this.#nextToken();
    this.#hooks(redistributionHooks("pre_redistribution", this.#job));
    this.#effects.push({ kind: "redistribute", token: this.#stepToken, change: this.#job });
    this.#schedule({ kind: "step", token: this.#stepToken }, this.#options.redistributeMs);
    if (this.#due) this.#run();
  }

  #endJob(): void {
    this.#closeJob();
    this.#rest();
  }

  #closeJob(): void {
    const job = this.#job;
    this.#job = undefined;
    if (job === undefined) return;
    this.#hooks(redistributionHooks("post_redistribution", job));
    this.#hooks(leaveHooks("post_node_leave", job.gone));
  }

  #rest(): void {
    this.#status = "idle";
    if (this.#due) this.#run();
    if (this.#status === "idle") this.#lock(false);
  }

  #lock(locked: boolean): void {
    if (locked === this.#locked) return;
    this.#locked = locked;
    this.#hook({ name: "priority_state_updated", payload: { level: locked ? 10 : 0 } });
  }

  #publish(): void {
    this.#topology = this.#roster.next();
    this.#effects.push({ kind: "topology", topology: this.#topology });
  }

  #hook(hook: HubHook): void {
    this.#effects.push({ kind: "hook", hook });
  }

  #hooks(hooks: readonly HubHook[]): void {
    for (const hook of hooks) this.#hook(hook);
  }

  #watchSettling(): void {
    const nextMs = this.#roster.nextSettleMs(this.#nowMs);
    if (nextMs === undefined || nextMs === this.#settleAtMs) return;
    this.#settleAtMs = nextMs;
    this.#settleToken = this.#later("settle", nextMs - this.#nowMs);
  }

  #later(kind: TopologyTimer["kind"], afterMs: number): number {
    const token = this.#nextToken();
    this.#schedule({ kind, token }, afterMs);
    return token;
  }

  #schedule(timer: TopologyTimer, afterMs: number): void {
    this.#effects.push({ kind: "schedule", timer, afterMs });
  }

  #nextToken(): number {
    this.#tokens += 1;
    return this.#tokens;
  }
}
