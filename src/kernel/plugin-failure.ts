import type { ContractId } from "../contract/plugin.ts";
import { isServerError } from "../domain/error.ts";
import { EXIT_CONFIG } from "./config-problem.ts";
import { safeText } from "./safe-text.ts";

/** Which step of a plug-in's life went wrong. */
export type PluginFailureReason =
  | "create_failed"
  | "init_failed"
  | "init_timeout"
  | "stop_failed"
  | "plugin_shutdown_timeout";

/** One plug-in that did not do as its contract says. */
export interface PluginFailure {
  /** The step, or the word that the plug-in's own error has for it. */
  readonly reason: string;
  readonly contract: ContractId;
  readonly plugin: string;
  readonly instance: string;
  /** One line that names the plug-in. */
  readonly message: string;
  readonly exitCode: number;
}

const EXIT_DAMAGED = 65;
const EXIT_UNAVAILABLE = 69;

/** The exit code that an error asks for, else what its code stands for. */
export function exitCodeOf(error: unknown): number {
  if (!isServerError(error)) return EXIT_CONFIG;
  const details: object = error.details;
  const wanted: unknown = "exitCode" in details ? details.exitCode : undefined;
  if (typeof wanted === "number" && Number.isInteger(wanted) && wanted > 0 && wanted < 256)
    return wanted;
  if (error.code === "state.corrupt") return EXIT_DAMAGED;
  return error.code === "state.unavailable" ? EXIT_UNAVAILABLE : EXIT_CONFIG;
}

/** Names what a plug-in did, with as much of `error` as can be shown. */
export function pluginFailure(
  reason: PluginFailureReason,
  who: { readonly contract: ContractId; readonly plugin: string; readonly instance: string },
  what: string,
  error?: { readonly thrown: unknown },
): PluginFailure {
  const { contract, plugin, instance } = who;
  const family = contract.split("@")[0] ?? contract;
  const named =
    instance === plugin || instance.replaceAll("_", "-") === family ? "" : ` (${instance})`;
  const detail = error === undefined ? "" : `: ${safeText(error.thrown)}`;
  const thrown = error?.thrown;
  const { reason: word, hint } = isServerError(thrown) ? thrown.details : {};
  const advice = hint === undefined ? "" : `; ${safeText(hint)}`;
  const message = `${family} plug-in ${plugin}${named} ${what}${detail}${advice}`;
  const exitCode = reason === "init_timeout" ? EXIT_UNAVAILABLE : exitCodeOf(thrown);
  return { reason: word ?? reason, contract, plugin, instance, message, exitCode };
}

/** The boot did not succeed: the first failure is the cause, further ones happened while cleaning up. */
export class BootError extends Error {
  override readonly name = "BootError";
  readonly failures: readonly PluginFailure[];
  readonly exitCode: number;

  constructor(failures: readonly PluginFailure[]) {
    super(failures.map((failure) => failure.message).join("; "));
    this.failures = failures;
    this.exitCode = failures[0]?.exitCode ?? EXIT_CONFIG;
  }
}
