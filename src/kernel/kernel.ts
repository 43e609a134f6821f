import type { PluginHealth } from "../contract/host.ts";
import type { Component } from "../contract/component.ts";
import type { ComponentOf, ContractId, HostOf } from "../contract/plugin.ts";
import { assert } from "../std/assert.ts";
import type { Catalogue } from "./catalogue.ts";
import { componentFault } from "./component-shape.ts";
import { MAIN_STATESTORE, SERVED, type Selection, type Selections } from "./families.ts";
import type { KernelClock, KernelLogger } from "./hooks.ts";
import { BootError, pluginFailure, type PluginFailure } from "./plugin-failure.ts";

/** What main makes a plug-in's host from. */
export interface HostRequest {
  readonly contract: ContractId;
  readonly plugin: string;
  readonly instance: string;
  /** The host's `report`: the kernel keeps what the plug-in says last. */
  report(health: PluginHealth, detail?: string): void;
}

/** Everything the kernel is given. */
export interface KernelOptions {
  readonly catalogue: Catalogue;
  readonly selections: Selections;
  /** Called once per configured plug-in, just before it is created. The host fits the contract. */
  hostFor(request: HostRequest): HostOf<ContractId>;
  readonly clock: KernelClock;
  readonly log: KernelLogger;
  /** Sets a trap on the end of the process while plug-ins are created and started. */
  guardExit(onCall: (code: unknown) => void): () => void;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** One component with the names it was configured by. */
export interface Running<K extends ContractId> {
  readonly contract: K;
  readonly plugin: string;
  readonly instance: string;
  readonly component: ComponentOf<K>;
}

/** How one component fares. */
export interface ComponentHealth {
  readonly contract: ContractId;
  readonly plugin: string;
  readonly instance: string;
  readonly health: PluginHealth;
  readonly detail: string;
}

/** How all components fare together. */
export interface KernelHealth {
  /** The worst of all. */
  readonly health: PluginHealth;
  /** False once something that calls in general need has failed, see `isNeeded`. */
  readonly ready: boolean;
  readonly components: readonly ComponentHealth[];
}

interface Made {
  readonly contract: ContractId;
  readonly plugin: string;
  readonly instance: string;
  readonly component: Component;
  health: PluginHealth;
  detail: string;
}

const SEVERITY: Readonly<Record<PluginHealth, number>> = { ok: 0, degraded: 1, failed: 2 };

/**
 * The life of all components of one node: create everything, start in family order, stop in reverse.
 * `new → created → started → stopped`; a start that fails goes straight to `stopped`.
 */
export class Kernel {
  readonly #options: KernelOptions;
  #phase: "new" | "created" | "started" | "stopped" = "new";
  #made: readonly Made[] = [];
  #stopping: Promise<readonly PluginFailure[]> | undefined;

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  /**
   * Makes every configured component in family order. Nothing runs yet. Throws `BootError` that names
   * every plug-in that refused; there is nothing to clean up then. Called once.
   */
  create(): void {
    assert(this.#phase === "new", "the kernel is created once");
    const rank = new Map(SERVED.map((contract, index) => [contract, index]));
    const ordered = [...this.#options.selections].sort(
      (a, b) => (rank.get(a.contract) ?? 0) - (rank.get(b.contract) ?? 0),
    );
    const failures: PluginFailure[] = [];
    const made: Made[] = [];
    for (const selection of ordered) {
      const outcome = this.#createOne(selection);
      if ("reason" in outcome) failures.push(outcome);
      else made.push(outcome);
    }
    this.#phase = failures.length > 0 ? "stopped" : "created";
    if (failures.length > 0) throw new BootError(failures);
    this.#made = made;
  }

  /**
   * Starts one component after the other in family order and resolves when all run. Rejects with
   * `BootError` as soon as one fails or takes too long; by then everything that was started, and the
   * one that failed, has been stopped in reverse. Called once.
   */
  async start(): Promise<void> {
    assert(this.#phase === "created", "the kernel is created before it is started");
    this.#phase = "started";
    for (const [index, made] of this.#made.entries()) {
      const failure = await this.#startOne(made);
      if (failure === undefined) continue;
      this.#phase = "stopped";
      const later = this.#stopAll(this.#made.slice(0, index + 1));
      this.#stopping = later;
      throw new BootError([failure, ...(await later)]);
    }
  }

  /**
   * Stops everything in reverse order, each within the time-out, whatever the others do. Resolves with
   * every failure, logged already; never rejects. Later calls answer the same promise.
   */
  stop(): Promise<readonly PluginFailure[]> {
    this.#phase = "stopped";
    this.#stopping ??= this.#stopAll(this.#made);
    return this.#stopping;
  }

  /**
   * Tells every activator to take in nothing more. Resolves when all have, or their time is over;
   * failures are logged and never end the wait for the others.
   */
  async pause(): Promise<void> {
    const { stopTimeoutMs, log } = this.#options;
    const paused = this.all("activator@1").map(async ({ instance, component }) => {
      const outcome = await this.#bounded(stopTimeoutMs, () => component.pause?.());
      if (outcome.kind !== "done") log.warn("activator.pause", { instance, ...outcome });
    });
    await Promise.all(paused);
  }

  /** The one component of a family that must be configured. */
  one<K extends ContractId>(contract: K): ComponentOf<K> {
    const [first, ...more] = this.all(contract);
    assert(first !== undefined && more.length === 0, `exactly one ${contract} is configured`);
    return first.component;
  }

  /** All components of a family, in the order of configuration; possibly none. */
  all<K extends ContractId>(contract: K): readonly Running<K>[] {
    // The catalogue ties plug-in and contract together, and `create` was checked against it.
    return this.#made.filter(
      (made) => made.contract === contract,
    ) as unknown as readonly Running<K>[];
  }

  /** How the components fare by their own reports. */
  health(): KernelHealth {
    let worst: PluginHealth = "ok";
    let ready = true;
    for (const { contract, instance, health } of this.#made) {
      if (SEVERITY[health] > SEVERITY[worst]) worst = health;
      if (health === "failed" && isNeeded(contract, instance)) ready = false;
    }
    const components = this.#made.map(({ contract, plugin, instance, health, detail }) => ({
      contract,
      plugin,
      instance,
      health,
      detail,
    }));
    return { health: worst, ready, components };
  }

  #createOne(selection: Selection): Made | PluginFailure {
    const { contract, plugin, instance, options } = selection;
    const entry = this.#options.catalogue.find(contract, plugin);
    assert(entry !== undefined, `the selected ${contract} ${plugin} is in the catalogue`);
    const made: { -readonly [Name in keyof Made]: Made[Name] } = {
      contract,
      plugin,
      instance,
      component: {},
      health: "ok",
      detail: "",
    };
    const report = (health: PluginHealth, detail = ""): void => {
      if (!Object.hasOwn(SEVERITY, health)) return;
      made.health = health;
      made.detail = detail;
    };
    const host = this.#options.hostFor({ contract, plugin, instance, report });
    const create = entry.plugin.create as (options: unknown, host: unknown) => unknown;
    let exited: { readonly code: unknown } | undefined;
    const release = this.#options.guardExit((code) => {
      exited = { code };
    });
    try {
      const component = create.call(entry.plugin, options, host);
      const fault = exited === undefined ? componentFault(contract, component) : undefined;
      if (fault !== undefined) return pluginFailure("create_failed", selection, fault);
      made.component = component as Component;
    } catch (thrown) {
      // An exit is told below, with the code that was asked for.
      if (exited === undefined) {
        return pluginFailure("create_failed", selection, "could not be created", { thrown });
      }
    } finally {
      release();
    }
    return exited === undefined
      ? made
      : pluginFailure("create_failed", selection, exitAttempt(exited.code));
  }

  async #startOne(made: Made): Promise<PluginFailure | undefined> {
    const { startTimeoutMs, guardExit } = this.#options;
    let exited: { readonly code: unknown } | undefined;
    const release = guardExit((code) => {
      exited = { code };
    });
    const outcome = await this.#bounded(startTimeoutMs, (signal) => made.component.start?.(signal));
    release();
    if (exited !== undefined) return pluginFailure("init_failed", made, exitAttempt(exited.code));
    if (outcome.kind === "done") return undefined;
    if (outcome.kind === "failed")
      return pluginFailure("init_failed", made, "could not start", outcome);
    return pluginFailure("init_timeout", made, `did not start within ${startTimeoutMs / 1000} s`);
  }

  async #stopAll(started: readonly Made[]): Promise<readonly PluginFailure[]> {
    const { stopTimeoutMs, log } = this.#options;
    const failures: PluginFailure[] = [];
    for (const made of [...started].reverse()) {
      const outcome = await this.#bounded(stopTimeoutMs, (signal) => made.component.stop?.(signal));
      if (outcome.kind === "done") continue;
      const failure =
        outcome.kind === "failed"
          ? pluginFailure("stop_failed", made, "failed to stop", outcome)
          : pluginFailure(
              "plugin_shutdown_timeout",
              made,
              `did not stop within ${stopTimeoutMs / 1000} s`,
            );
      log.warn(failure.reason, {
        plugin: made.plugin,
        instance: made.instance,
        detail: failure.message,
      });
      failures.push(failure);
    }
    return failures;
  }

  /** Runs foreign code for at most so long; its signal fires when the time is over. */
  #bounded(
    timeoutMs: number,
    run: (signal: AbortSignal) => Promise<void> | undefined,
  ): Promise<Bounded> {
    const controller = new AbortController();
    return new Promise((settle) => {
      const cancel = this.#options.clock.setTimer(timeoutMs, () => {
        settle({ kind: "timeout" });
        controller.abort(new Error(`the time of ${timeoutMs} ms is over`));
      });
      const close = (outcome: Bounded): void => {
        cancel();
        settle(outcome);
      };
      try {
        Promise.resolve(run(controller.signal)).then(
          () => close({ kind: "done" }),
          (thrown: unknown) => close({ kind: "failed", thrown }),
        );
      } catch (thrown) {
        close({ kind: "failed", thrown });
      }
    });
  }
}

type Bounded =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly thrown: unknown }
  | { readonly kind: "timeout" };

/**
 * Whether calls in general need the component: events from outside do not come then, members are not
 * found, and a further statestore takes its own systems alone with it.
 */
export function isNeeded(contract: ContractId, instance: string): boolean {
  if (contract === "statestore@1") return instance === MAIN_STATESTORE;
  return contract !== "activator@1" && contract !== "discovery@1";
}

function exitAttempt(code: unknown): string {
  return `tried to end the process with code ${String(code)}`;
}
