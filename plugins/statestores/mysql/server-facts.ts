import type { ServerFacts } from "../kit/sql/dialect.ts";
import type { SqlRow, SqlValue } from "../kit/sql/sql-client.ts";

/** What `factsOf` wants, as a list of columns. */
export const FACTS_TEXT =
  "VERSION(), @@max_allowed_packet, @@innodb_flush_log_at_trx_commit, @@log_bin, " +
  "@@sync_binlog, @@innodb_doublewrite, @@innodb_flush_method";

/** MySQL alone can go on without a redo log. */
export const REDO_TEXT = "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'";

/** The greatest statement besides the state in it. */
const LEAST_PACKET_BYTES = 4 * 1024 * 1024;

const MARIADB = { name: "MariaDB", least: [10, 6] } as const;
const MYSQL = { name: "MySQL", least: [8, 0] } as const;

const isOff = (value: string): boolean => value === "0" || value === "OFF";

/** What a server says of itself, from the columns of `FACTS_TEXT` and the rows of `REDO_TEXT`. */
export function factsOf(
  columns: readonly SqlValue[],
  redo: readonly SqlRow[],
): { readonly facts: Omit<ServerFacts, "nowMs">; readonly maxPacketBytes: number } {
  const [versionText = "", packet = "0", ...settings] = columns.map(String);
  const kind = versionText.includes("MariaDB") ? MARIADB : MYSQL;
  // Some packages put a number of the protocol before that of the server.
  const [version = ""] = /\d+\.\d+\.\d+/.exec(versionText.replace(/^5\.5\.5-/, "")) ?? [];
  const maxPacketBytes = Number(packet);
  const refusal = refusalOf(kind, version, versionText, maxPacketBytes);
  const unsafe = unsafeSettings(settings, redo);
  return { facts: { product: `${kind.name} ${version}`, refusal, unsafe }, maxPacketBytes };
}

function refusalOf(
  { name, least }: typeof MARIADB | typeof MYSQL,
  version: string,
  versionText: string,
  maxPacketBytes: number,
): string | undefined {
  const needed = `${least.join(".")} or later is needed`;
  if (versionText.includes("TiDB")) return "TiDB is not supported; MySQL or MariaDB is needed";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < least[0] || (major === least[0] && minor < least[1]);
  if (isOld) return `${name} ${version} is too old; ${needed}`;
  if (maxPacketBytes >= LEAST_PACKET_BYTES) return undefined;
  return `max_allowed_packet=${maxPacketBytes} is too small; ${LEAST_PACKET_BYTES} or more is needed`;
}

function unsafeSettings(settings: readonly string[], redo: readonly SqlRow[]): readonly string[] {
  const [flush = "", logBin = "", syncBinlog = "", doublewrite = "", method = ""] = settings;
  const unsafe: string[] = [];
  if (flush !== "1") unsafe.push(`innodb_flush_log_at_trx_commit=${flush}`);
  // With a binary log, recovery asks it which transactions were committed.
  if (!isOff(logBin) && syncBinlog !== "1") unsafe.push(`sync_binlog=${syncBinlog}`);
  if (isOff(doublewrite) || doublewrite === "DETECT_ONLY") {
    unsafe.push(`innodb_doublewrite=${doublewrite === "0" ? "OFF" : doublewrite}`);
  }
  if (method === "nosync" || method === "littlesync") unsafe.push(`innodb_flush_method=${method}`);
  if (redo.some((row) => String(row[1]) === "OFF")) unsafe.push("innodb_redo_log_enabled=OFF");
  return unsafe;
}
