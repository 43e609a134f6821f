import type {
  AccessDecision,
  AccessPolicy,
  AccessPolicyHost,
  AccessQuestion,
} from "../../../src/contract/index.ts";
import { ChangePoll } from "../../../src/std/change-poll.ts";
import { type LoadedPolicies, loadPolicies } from "./load-policies.ts";
import { describeProblems } from "./policy-problem.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { PolicySet } from "./policy-set.ts";
import { fingerprintPolicies, readPolicySources } from "./policy-source.ts";
import { policyWarnings } from "./policy-warnings.ts";

/** How often the files are looked at. */
const POLL_MS = 1_000;

/** How the process ends when a start is refused for its configuration. */
const EXIT_CONFIG = 78;

/**
 * The rules of policy files. The set is exchanged whole, so that each decision belongs to one
 * generation; files that cannot be taken leave the old set in force and are reported.
 */
export class PolicyFilesAccessPolicy implements AccessPolicy {
  readonly #paths: readonly string[];
  readonly #host: AccessPolicyHost;
  readonly #poll: ChangePoll;
  #set = new PolicySet([]);
  #generation = 0;

  constructor(config: { readonly paths: readonly string[] }, host: AccessPolicyHost) {
    this.#paths = config.paths;
    this.#host = host;
    this.#poll = new ChangePoll({
      intervalMs: POLL_MS,
      setTimer: (delayMs, callback) => host.clock.setTimer(delayMs, callback),
      fingerprint: () => fingerprintPolicies(this.#paths),
      changed: () => this.#reload(),
    });
  }

  get generation(): number {
    return this.#generation;
  }

  /** Rejects if any file cannot be taken: nothing is skipped. */
  async start(): Promise<void> {
    const fingerprint = await fingerprintPolicies(this.#paths);
    const loaded = await this.#load();
    if (loaded.kind === "refused") {
      const message = `access policies are refused: ${describeProblems(loaded.problems)}`;
      const reason = loaded.problems[0]?.reason ?? "policy_missing";
      throw this.#host.error("request.invalid", message, "not_started", {
        reason,
        exitCode: EXIT_CONFIG,
      });
    }
    this.#adopt(loaded.rules);
    this.#poll.start(fingerprint);
  }

  async stop(): Promise<void> {
    this.#poll.stop();
  }

  decide(question: AccessQuestion): AccessDecision {
    return this.#set.decide(question);
  }

  warnings(): readonly string[] {
    return policyWarnings(this.#set.rules);
  }

  async #load(): Promise<LoadedPolicies> {
    const { files, problems } = await readPolicySources(this.#paths);
    if (problems.length > 0) return { kind: "refused", problems };
    return loadPolicies(files);
  }

  async #reload(): Promise<void> {
    const loaded = await this.#load();
    if (loaded.kind === "ok") {
      this.#adopt(loaded.rules);
      this.#host.meter.count("reload_total");
      this.#host.log.info("acl.reloaded", { generation: this.#generation });
      this.#host.report("ok");
      return;
    }
    const problems = describeProblems(loaded.problems);
    this.#host.meter.count("reload_rejected_total");
    this.#host.log.error("acl.reload_rejected", { generation: this.#generation, problems });
    this.#host.report(
      "degraded",
      `access policies stay at generation ${this.#generation}: ${problems}`,
    );
  }

  #adopt(rules: readonly PolicyRule[]): void {
    this.#set = new PolicySet(rules);
    this.#generation += 1;
  }
}
