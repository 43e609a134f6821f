import { Resolver } from "node:dns/promises";

/** How names are asked for. */
export interface DnsOptions {
  /** Addresses of name servers, `ip` or `ip:port`; none for those of the system. */
  readonly servers: readonly string[];
}

/** One service record: where, and in which order to try. */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
}

/** Milliseconds for one question to one server, and how often it is asked. */
const QUESTION_MS = 2_000;
const TRIES = 2;

/** Codes of an answer that says: there is no such name, or nothing of that kind behind it. */
const ABSENT: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * IPv4 and IPv6 addresses behind a name, none if there is no such name. Rejects if neither kind could
 * be asked for and none was found.
 */
export async function lookupAddresses(
  name: string,
  options: DnsOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return resolving(options, signal, async (resolver) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = answers.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    const failed = answers.find((each) => each.status === "rejected" && !isAbsent(each.reason));
    if (found.length === 0 && failed?.status === "rejected") throw failed.reason;
    return found;
  });
}

/** Service records of a name in the order in which they are to be tried (RFC 2782). */
export async function lookupServices(
  name: string,
  options: DnsOptions,
  signal: AbortSignal,
): Promise<readonly ServiceRecord[]> {
  return resolving(options, signal, async (resolver) => {
    try {
      const records = await resolver.resolveSrv(name);
      records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
      return records.map((each) => ({ host: each.name.replace(/\.$/, ""), port: each.port }));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  });
}

async function resolving<T>(
  { servers }: DnsOptions,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  // One per search: cancelling takes every question of a resolver back.
  const resolver = new Resolver({ timeout: QUESTION_MS, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    return await ask(resolver);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && ABSENT.has(String(error.code));
}
