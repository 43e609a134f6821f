import { readFile } from "node:fs/promises";
import { request } from "node:https";

/** What of a pod's account the API server is asked with. */
export interface ApiServerConfig {
  readonly apiServer: string;
  readonly tokenFile: string;
  readonly caFile: string;
}

/** An answer of the API server. */
export interface ApiAnswer {
  readonly status: number;
  /** The body as JSON; `undefined` if it is none. */
  readonly body: unknown;
}

const MOST_BODY_BYTES = 16 * 1024 * 1024;

/**
 * Asks the API server of Kubernetes as the pod's service account. Token and authority are read for
 * every question, because both are replaced while the pod runs.
 */
export class ApiServer {
  readonly #config: ApiServerConfig;

  constructor(config: ApiServerConfig) {
    this.#config = config;
  }

  /** Rejects if there is no answer, or one beyond 16 MiB; no redirection is followed. */
  async get(path: string, signal: AbortSignal): Promise<ApiAnswer> {
    const { apiServer, tokenFile, caFile } = this.#config;
    const [token, ca] = await Promise.all([readFile(tokenFile, "utf8"), readFile(caFile)]);
    const headers = { authorization: `Bearer ${token.trim()}`, accept: "application/json" };
    return new Promise((resolve, reject) => {
      const asked = request(
        new URL(path, apiServer),
        { headers, ca, signal, agent: false },
        (answer) => {
          const chunks: Buffer[] = [];
          let size = 0;
          answer.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size <= MOST_BODY_BYTES) chunks.push(chunk);
            else asked.destroy(new Error("the answer is too large"));
          });
          answer.on("error", reject);
          answer.on("end", () => {
            const body = parse(Buffer.concat(chunks).toString("utf8"));
            resolve({ status: answer.statusCode ?? 0, body });
          });
        },
      );
      asked.on("error", reject);
      asked.end();
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
