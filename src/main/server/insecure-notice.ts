import type { ConfigWarning } from "../../kernel/config-problem.ts";
import type { Clock, Logger } from "../../node/ports.ts";

/** Switches that are said again and again while they are in force. */
const INSECURE: ReadonlySet<string> = new Set([
  "insecure_allow_unauthenticated",
  "tls_terminated_upstream",
  "encryption",
]);
const REPEAT_MS = 60_000;

/** Logs each minute which protection is off, if any is. The returned function ends it. */
export function repeatInsecure(
  warnings: readonly ConfigWarning[],
  clock: Clock,
  log: Logger,
): () => void {
  const insecure = warnings.filter(({ key }) => INSECURE.has(key));
  if (insecure.length === 0) return () => undefined;
  const say = (): void => {
    for (const { key, message } of insecure) log.warn("config.insecure", { key, message });
    cancel = clock.setTimer(REPEAT_MS, say);
  };
  let cancel = clock.setTimer(REPEAT_MS, say);
  return () => cancel();
}
