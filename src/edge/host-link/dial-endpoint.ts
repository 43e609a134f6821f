import { ServerError } from "../../domain/error.ts";

const LONGEST = 255;
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Which endpoints hosts may name: those of this machine, or any. */
export type DialPolicy = "local" | "any";

/**
 * The endpoint in its one spelling. Throws `ServerError`: `request.invalid`, or `access.denied` for
 * one that the policy does not allow: a host must not be able to point the server at its neighbours.
 */
export function checkedEndpoint(text: string, policy: DialPolicy): string {
  if (text.length > LONGEST) throw invalid();
  if (text.startsWith("unix:/") && !text.includes("\0")) return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) throw invalid();
  const bare =
    url.username === "" && url.password === "" && url.pathname === "/" && url.search === "";
  if (!bare || url.hash !== "") throw invalid();
  if (policy === "local" && !LOOPBACK.has(url.hostname)) {
    throw new ServerError(
      "access.denied",
      "the server dials hosts on its own machine only",
      "not_started",
      {
        reason: "ENDPOINT_FORBIDDEN",
      },
    );
  }
  return url.origin;
}

function invalid(): ServerError {
  return new ServerError(
    "request.invalid",
    "the endpoint is neither http(s)://host:port nor unix:/path",
    "not_started",
    { reason: "ENDPOINT" },
  );
}
