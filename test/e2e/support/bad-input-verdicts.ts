/** How this release stands to a row that no test of ours names by its id. */
export type Verdict = "met" | "differs" | "later" | "other design";

/** Rows that are alike: their ids or a whole family, the verdict, and what is so here. */
export type VerdictEntry = readonly [ids: string, verdict: Verdict, note: string];

/**
 * What the tests that name a row do not say by themselves. A row that a test names is met unless it
 * stands here; a row that no test names must stand here. The first entry that fits counts.
 */
export const VERDICTS: readonly VerdictEntry[] = [
  [
    "RPC-025",
    "differs",
    "closed at the next look at the frame counter, within a second, and not after 10,000 frames; `src/platform/http/hostile-http2.test.ts`",
  ],
  [
    "RPC-145",
    "differs",
    "what is beyond the bound is refused at once (`src/edge/admission.test.ts`); a minute at three times the capacity was not run",
  ],
  [
    "RPC-019",
    "differs",
    "run with 1,000 idle connections (`src/platform/http/limits.test.ts`); the cap is `limits.connections`",
  ],
  [
    "RPC-017 RPC-021 RPC-023 RPC-025 RPC-027 RPC-029 RPC-031 RPC-033",
    "met",
    "`src/platform/http/{limits,hostile-http1,hostile-http2,tls}.test.ts`",
  ],
  [
    "RPC-085 RPC-087",
    "other design",
    "no message of the protocol holds an `Any`; payloads are opaque",
  ],
  ["RPC-121", "met", "`test/conformance/statestore.suite.ts`: ids beyond the window are pruned"],
  ["RPC-123", "later", "schedules of actors are `unimplemented`"],
  ["RPC-133", "later", "tokens are opaque here; JWT comes with an OIDC authenticator"],
  ["RPC-137", "met", "`src/node/node.test.ts`: the policy is asked before anything is looked up"],
  [
    "RPC-139",
    "differs",
    "guesses from an address are slowed down, a right token is accepted all the same (`plugins/authenticators/token/token.test.ts`); the rate is not measured",
  ],
  ["RPC-141", "met", "`src/node/hosts.test.ts`"],
  [
    "RPC-147",
    "met",
    "`unavailable` at once; the reason is PARTITIONED once a lease could not be renewed",
  ],
  [
    "SWIM-002 SWIM-004 SWIM-008 SWIM-010 SWIM-012 SWIM-014 SWIM-016 SWIM-018 SWIM-020 SWIM-022 SWIM-024 SWIM-066",
    "met",
    "`src/platform/peer/gossip-seal.test.ts`",
  ],
  ["SWIM-006", "differs", "said once in ten seconds, whoever sends it"],
  [
    "SWIM-026 SWIM-030 SWIM-032 SWIM-034 SWIM-036 SWIM-040 SWIM-046 SWIM-054 SWIM-056 SWIM-058 SWIM-060",
    "met",
    "scenarios of `test/scenarios/swim`, run by `test/scenarios/swim.test.ts`",
  ],
  ["SWIM-028", "other design", "a request to ping names a member, never an address"],
  ["SWIM-038 SWIM-042 SWIM-044 SWIM-064", "met", "`src/core/swim/packet.test.ts`"],
  ["SWIM-048 SWIM-050 SWIM-052", "met", "`src/edge/peer-link/peer-links.test.ts`"],
  ["SWIM-062", "later", "packets of one source are not counted yet"],
  [
    "CFG-017",
    "met",
    "blanks around a value are cut without a word in the log; within it they are refused",
  ],
  [
    "CFG-023",
    "met",
    "seen of the binary as an ordinary user; the tests may run as root, so the system's error is handed in",
  ],
  ["CFG-045", "met", "`plugins/statestores/sqlite/sqlite-start.test.ts`"],
  [
    "CFG-061",
    "met",
    "the list is refused as a whole; the warning of `localhost` is in `src/kernel/read-settings.test.ts`",
  ],
  ["CFG-067 CFG-069", "later", "no OIDC authenticator in this release"],
  [
    "CFG-075",
    "differs",
    "a clock before 2024 is refused (`src/kernel/refused-settings.test.ts`); the database's clock is this machine's",
  ],
  [
    "PLUG-015 PLUG-035",
    "other design",
    "plug-ins are trusted code, chosen by path and SHA-256; foreign code belongs into a host",
  ],
  ["PLUG-023", "met", "`src/kernel/kernel.test.ts`: what was started is stopped in reverse"],
  [
    "PLUG-025 PLUG-027 PLUG-029 PLUG-031",
    "other design",
    "plug-ins implement a contract; there are no hooks in a turn",
  ],
  ["PLUG-033", "differs", "the file is probed in a thread first; replacing globals is not undone"],
  ["PLUG-049", "differs", "an import that is missing is `import_threw` and names the module"],
  ["PLUG-053", "differs", "`commit` is proved by the statestore suite, not at boot"],
  [
    "PLUG-059",
    "met",
    "series beyond `limits.metric_series` share one labelled `other` (`src/main/telemetry/prometheus.test.ts`)",
  ],
  [
    "PLUG-061",
    "differs",
    "our log is bounded; what a plug-in writes to the descriptors itself is not",
  ],
  ["PLUG-063", "met", "`src/kernel/kernel.test.ts`"],
  [
    "PLUG-065",
    "other design",
    "plug-ins are not reloaded; actors are, and keep the old version (`test/e2e/dev.test.ts`)",
  ],
  ["ACL-061", "met", "`src/edge/protocols.test.ts`: the caller comes from the channel"],
  [
    "ACL-063",
    "later",
    "schedules of actors are `unimplemented`; cron activators call as themselves",
  ],
  [
    "ACL-057",
    "differs",
    "the set is swapped whole (`plugins/acl/policy-files/policy-files.test.ts`); not run under load",
  ],
  ["ACL-059", "met", "`src/node/node.test.ts`"],
  ["ACL-065", "met", "`src/node/node.test.ts`: reads pass the policy, too"],
  ["ACL", "met", "`plugins/acl/policy-files/policy-files.test.ts`, `policy-model.test.ts`"],
  [
    "DB-005 DB-039",
    "met",
    "`plugins/statestores/sqlite/sqlite-start.test.ts`, `test/conformance/statestore.suite.ts`",
  ],
  [
    "DB-009 DB-011 DB-015",
    "met",
    "`plugins/statestores/postgres/postgres-start.test.ts`, `plugins/statestores/mysql/mysql-start.test.ts`",
  ],
  ["DB-057", "met", "renewals wait for no call and not for each other"],
  ["DB-031", "other design", "states are not compressed"],
  ["DB-033", "differs", "the state type is authenticated: another one is data loss"],
  ["DB-037 DB-043", "met", "`plugins/statestores/sqlite/sqlite-damage.test.ts`"],
  ["DB-041", "met", "as long as the process remembers the actor: after a restart it is a new one"],
  ["DB-045 DB-047", "later", "schedules of actors are `unimplemented`"],
  [
    "DB-049 DB-051",
    "met",
    "`plugins/statestores/postgres/postgres-faults.test.ts`, `plugins/statestores/mysql/mysql-faults.test.ts`, `plugins/statestores/cockroachdb/cockroach-retries.test.ts`; SQLITE_BUSY is retried by `busy_timeout`",
  ],
  ["DB-059", "met", "`plugins/statestores/sqlite/sqlite-damage.test.ts`"],
  [
    "DB-065",
    "met",
    "`plugins/statestores/sqlite/sqlite-damage.test.ts`: revisions of 2^52 are exact; the driver's integers are checked",
  ],
  ["BRK", "later", "no activator for a broker in this release; cron and webhooks have their suite"],
  ["HOST-002 HOST-008 HOST-010 HOST-012", "met", "`src/edge/host-link/host-result.test.ts`"],
  ["HOST-004", "met", "`src/node/hosts.test.ts`"],
  ["HOST-014 HOST-018", "met", "`src/edge/host-link/*.test.ts`"],
  ["HOST-016", "other design", "hosts report neither metrics nor logs to the server"],
  [
    "HOST-020",
    "other design",
    "a host gets a state with a turn of a type it owns; it cannot ask for one",
  ],
];

/** The entry for a row; an entry of a whole family counts after those that name the row. */
export function verdictOf(id: string): VerdictEntry | undefined {
  return VERDICTS.find(([ids]) =>
    ids.split(" ").some((one) => one === id || id.startsWith(`${one}-`)),
  );
}
