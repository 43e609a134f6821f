import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { DialAnswer, DialTransport } from "../node/ports.ts";

/** Connections that are kept per endpoint; batches share them. */
const MOST_SOCKETS = 64;
const UNIX = "unix:";

/** Calls hosts over `node:http` with kept connections, on TCP and Unix sockets. */
export function makeDialTransport(): DialTransport {
  const plain = new HttpAgent({ keepAlive: true, maxSockets: MOST_SOCKETS });
  const secure = new HttpsAgent({ keepAlive: true, maxSockets: MOST_SOCKETS });
  return {
    post(endpoint, path, headers, body, limits) {
      const options = {
        method: "POST",
        headers: { ...headers, "content-length": String(body.length) },
      };
      return new Promise((resolve, reject) => {
        const call = open(endpoint, path, options, plain, secure);
        // Of the whole answer: a socket's own time-out would begin anew with every byte.
        const timer = setTimeout(() => {
          call.destroy(new Error("the host did not answer in time"));
        }, limits.timeoutMs);
        const settled = (): void => clearTimeout(timer);
        call.once("error", (error) => {
          settled();
          reject(error);
        });
        call.once("response", (answer) => {
          collect(answer, limits.limitBytes).then(resolve, reject).finally(settled);
        });
        call.end(body);
      });
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

interface CallOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
}

function open(
  endpoint: string,
  path: string,
  options: CallOptions,
  plain: HttpAgent,
  secure: HttpsAgent,
): ClientRequest {
  if (endpoint.startsWith(UNIX)) {
    return httpRequest({ ...options, socketPath: endpoint.slice(UNIX.length), path, agent: plain });
  }
  const url = new URL(path, endpoint);
  if (url.protocol === "https:") return httpsRequest(url, { ...options, agent: secure });
  return httpRequest(url, { ...options, agent: plain });
}

async function collect(answer: IncomingMessage, limitBytes: number): Promise<DialAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) {
      answer.destroy();
      throw new RangeError("the answer of the host is too large");
    }
    chunks.push(chunk);
  }
  const only = chunks.length === 1 ? chunks[0] : undefined;
  return { status: answer.statusCode ?? 0, body: only ?? Buffer.concat(chunks) };
}
