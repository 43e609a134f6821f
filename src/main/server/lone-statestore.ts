import process from "node:process";
import type { SessionRow, Statestore } from "../../contract/index.ts";
import { ServerError } from "../../domain/error.ts";
import type { Catalogue } from "../../kernel/catalogue.ts";
import { optionsOf } from "../../kernel/catalogue.ts";
import { MAIN_STATESTORE, type Selection } from "../../kernel/families.ts";
import { Kernel } from "../../kernel/kernel.ts";
import type { Settings } from "../../kernel/settings.ts";
import { systemClock } from "../../platform/clock.ts";
import { guardExit } from "../../platform/exit-guard.ts";
import { makeLogger } from "../../platform/logging/make-logger.ts";
import { systemRandom } from "../../platform/random.ts";
import { usageError } from "../cli/command-error.ts";
import { printable } from "../cli/table.ts";
import type { Output } from "../cli/terminal.ts";
import { pluginHosts } from "./plugin-hosts.ts";

/** What a statestore is run by itself with. */
export interface LoneOptions {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  /** Name of one of several statestores; the main one without it. */
  readonly name: string | undefined;
  /** Where its log goes. */
  readonly err: Output;
  /** Refuse a store that would have to be made or migrated first. */
  readonly asItIs: boolean;
}

/** Files that are made are their owner's alone. */
const UMASK = 0o077;

/** The configured statestore without a node: for commands that work on the store itself. */
export class LoneStatestore {
  readonly store: Statestore;
  /** Name of the plug-in. */
  readonly plugin: string;
  readonly #kernel: Kernel;

  /** Creates it; throws `BootError`. Nothing is opened yet. */
  constructor({ settings, catalogue, name, err, asItIs }: LoneOptions) {
    process.umask(UMASK);
    const log = makeLogger({
      level: settings.logLevel === "error" ? "error" : "warn",
      format: settings.logFormat,
      clock: systemClock,
      terminal: err.interactive,
      sink: {
        write: (text, done) => {
          err.write(text);
          done();
        },
      },
    });
    const selection = selectionOf(settings, name);
    this.plugin = selection.plugin;
    const quiet = (): void => undefined;
    this.#kernel = new Kernel({
      catalogue,
      selections: [asItIs ? unmigrated(selection, catalogue) : selection],
      hostFor: pluginHosts({
        clock: systemClock,
        random: systemRandom,
        log,
        meter: () => ({ count: quiet, gauge: quiet, observe: quiet }),
        dataDir: settings.dataDir,
        cluster: settings.cluster,
        acceptUnsafeDurability: settings.acceptUnsafeDurability,
        shared: settings.workers > 1,
        queryTimeoutMs: settings.limits.queryTimeoutMs,
        transactionTries: settings.limits.transactionTries,
        nodeName: "",
        seeds: [],
        peerPort: 0,
        sessions: () => this.store.sessions.list(),
        door: () => {
          throw new Error("a statestore has no door");
        },
      }),
      clock: systemClock,
      log,
      guardExit,
      startTimeoutMs: settings.limits.pluginStartTimeoutMs,
      stopTimeoutMs: settings.limits.pluginStopTimeoutMs,
    });
    this.#kernel.create();
    this.store = this.#kernel.one("statestore@1");
  }

  /** Opens the store; rejects with `BootError`, and then everything is closed again. */
  start(): Promise<void> {
    return this.#kernel.start();
  }

  async stop(): Promise<void> {
    await this.#kernel.stop();
  }

  /** Plug-in and engine; for a store that is started. */
  async describe(): Promise<string> {
    return `${this.plugin}, ${await this.store.describe()}`;
  }
}

function selectionOf({ selections }: Settings, name = MAIN_STATESTORE): Selection {
  const stores = selections.filter(({ contract }) => contract === "statestore@1");
  const found = stores.find(({ instance }) => instance === name);
  if (found !== undefined) return found;
  const names = stores.map(({ instance }) => instance).filter((each) => each !== MAIN_STATESTORE);
  const hint = names.length === 0 ? "none is configured" : `there are: ${names.join(", ")}`;
  throw usageError(`no further statestore is named ${printable(name)}`, hint);
}

/** A store that can start without taking steps of its schema is told to. */
function unmigrated(selection: Selection, catalogue: Catalogue): Selection {
  const entry = catalogue.find(selection.contract, selection.plugin);
  const names = entry === undefined ? [] : optionsOf(entry.plugin).map(([name]) => name);
  if (!names.includes("migrate")) return selection;
  return { ...selection, options: { ...selection.options, migrate: "check" } };
}

/** Sessions whose nodes live on the store; none where one process alone can hold it, which is this. */
export async function livingSessions(store: Statestore): Promise<readonly SessionRow[]> {
  if (store.exclusive) return [];
  const sessions = await store.sessions.list();
  return sessions.filter(({ state, remainingMs }) => state === "up" && remainingMs > 0);
}

/** The id of the newest session the store has had; it only grows. */
export async function newestSession(store: Statestore): Promise<number> {
  const sessions = await store.sessions.list();
  return sessions.reduce((newest, { id }) => Math.max(newest, id), 0);
}

/** Refuses to work beside nodes: exit code "retry later". */
export function refuseLiving(living: readonly SessionRow[], what: string): void {
  if (living.length === 0) return;
  const names = living.map(({ nodeName }) => nodeName).join(", ");
  const message = `${what}: ${living.length === 1 ? "node" : "nodes"} ${names} live on the statestore`;
  throw new ServerError("state.unavailable", message, "not_started", {
    reason: "store_in_use",
    exitCode: 75,
  });
}
