import { stat } from "node:fs/promises";
import type { Clock, Logger, TlsMaterial } from "../../node/ports.ts";
import { ChangePoll } from "../../std/change-poll.ts";
import { readTlsFiles, type TlsSettings } from "./tls-files.ts";

/** What is watched, and what takes up new files. */
export interface TlsWatchOptions {
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with files that were checked; new connections get them. */
  readonly reload: (material: TlsMaterial) => void;
}

/** How often the files are looked at; a change is taken up at the second look that sees it. */
const LOOK_MS = 2_000;

/**
 * Takes up certificate files when they change. Files that do not fit together, or have expired, are
 * refused and said, and the old ones stay. Resolves with the function that ends it.
 */
export async function watchTls(options: TlsWatchOptions): Promise<() => void> {
  const { settings, clock, log, reload } = options;
  const paths = [settings.tlsCert, settings.tlsKey, settings.tlsCa].filter(
    (path) => path !== undefined,
  );
  if (settings.tlsCert === undefined) return () => undefined;
  const fingerprint = async (): Promise<string> => {
    const found = await Promise.all(paths.map((path) => stat(path)));
    return found.map(({ ino, mtimeMs, size }) => `${ino}:${mtimeMs}:${size}`).join();
  };
  const poll = new ChangePoll({
    intervalMs: LOOK_MS,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    fingerprint,
    changed: async () => {
      const read = readTlsFiles(settings, clock.wallMs());
      if (read.kind === "fault") {
        const { reason, message } = read.fault;
        return log.error("tls.not_reloaded", { reason, problem: message });
      }
      if (read.kind === "none") return;
      try {
        reload(read.material);
        log.info("tls.reloaded", { expires: new Date(read.expiresMs).toISOString() });
      } catch (error) {
        log.error("tls.not_reloaded", { reason: "refused", error });
      }
    },
  });
  poll.start(await fingerprint());
  return () => poll.stop();
}
