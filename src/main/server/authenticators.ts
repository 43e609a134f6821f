import type { Authenticator, Caller, Credentials } from "../../contract/index.ts";
import type { Authenticate } from "../../edge/api-options.ts";

/**
 * Asks each authenticator in the order of configuration; the first that knows the caller decides.
 * `undefined` if none is configured: then every caller is anonymous, which configuration allows on
 * loopback only.
 */
export function chainAuthenticators(chain: readonly Authenticator[]): Authenticate | undefined {
  const [only, ...more] = chain;
  if (only === undefined) return undefined;
  if (more.length === 0) return (credentials) => only.authenticate(credentials);
  return (credentials) => ask(chain, 0, credentials);
}

function ask(
  chain: readonly Authenticator[],
  from: number,
  credentials: Credentials,
): Caller | undefined | Promise<Caller | undefined> {
  for (let i = from; i < chain.length; i += 1) {
    const found = chain[i]?.authenticate(credentials);
    if (found instanceof Promise) {
      return found.then((caller) => caller ?? ask(chain, i + 1, credentials));
    }
    if (found !== undefined) return found;
  }
  return undefined;
}
