import { waitUntil } from "../../support/wait-until.ts";
import type { HostShape } from "./check-steps.ts";
import { CONTENT_CHECKS } from "./content-checks.ts";
import { FLOW_CHECKS } from "./flow-checks.ts";
import type { KitServer } from "./kit-server.ts";

/** What became of one check. */
export interface CheckResult {
  readonly name: string;
  readonly problem: string | undefined;
  readonly ms: number;
}

/** How long a check may take in all. */
const CHECK_TIMEOUT_MS = 45_000;
const ATTACH_TIMEOUT_MS = 30_000;

/** Waits for a host and runs every check that fits its shape. Rejects if none attaches. */
export async function runChecks(
  kit: KitServer,
  told: (result: CheckResult) => void = () => undefined,
): Promise<CheckResult[]> {
  await waitUntil("a host attaches", () => kit.gate.attached.length > 0, ATTACH_TIMEOUT_MS);
  const shape: HostShape = kit.gate.attached[0]?.link.kind === "dial" ? "dialled" : "attached";
  const results: CheckResult[] = [];
  for (const check of [...CONTENT_CHECKS, ...FLOW_CHECKS]) {
    if (check.shape !== undefined && check.shape !== shape) continue;
    const begun = performance.now();
    const problem = await problemOf(check.run(kit));
    const result = { name: check.name, problem, ms: performance.now() - begun };
    results.push(result);
    told(result);
  }
  return results;
}

async function problemOf(run: Promise<void>): Promise<string | undefined> {
  let outcome: { readonly problem: string | undefined } | undefined;
  run.then(
    () => {
      outcome = { problem: undefined };
    },
    (error: unknown) => {
      outcome = { problem: error instanceof Error ? error.message : String(error) };
    },
  );
  try {
    return (await waitUntil("the check ends", () => outcome, CHECK_TIMEOUT_MS)).problem;
  } catch (error) {
    return String(error);
  }
}
