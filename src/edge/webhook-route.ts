import { toServerError } from "../domain/error.ts";
import type { HttpRequest, HttpResponse, Logger } from "../node/ports.ts";
import type { Webhooks } from "../node/webhooks.ts";
import type { ExtraRoute } from "./api-options.ts";

const PREFIX = "/hooks/";
const PLAIN = { "content-type": "text/plain; charset=utf-8" } as const;

/**
 * Hands requests below `/hooks/` to the activators that took their paths. A webhook proves itself by
 * its signature, which the activator checks, so the listener asks for no credentials.
 */
export function webhookRoute(webhooks: Webhooks, maxBodyBytes: number, log: Logger): ExtraRoute {
  return {
    path: PREFIX,
    authenticated: false,
    request: (request, response) => {
      const [path = "", query = ""] = request.target.slice(PREFIX.length).split("?", 2);
      const handler = webhooks.find(path);
      if (handler === undefined) return response.send(404, PLAIN, "no such webhook\n");
      request.readBody(maxBodyBytes, (failure, body) => {
        if (failure === "aborted") return;
        if (failure === "timeout") return response.send(408, PLAIN, "the body came too late\n");
        if (failure !== undefined) return response.send(413, PLAIN, "the body is too large\n");
        const headers = Object.fromEntries(request.headers());
        handler({ method: request.method, path, query, headers, body }).then(
          (answer) => response.send(answer.status, answer.headers, answer.body),
          (error: unknown) => refuse(response, request, error, log),
        );
      });
    },
  };
}

/** An activator answers refusals itself; what it throws is its bug or ours. */
function refuse(response: HttpResponse, request: HttpRequest, error: unknown, log: Logger): void {
  log.error("webhook.failed", {
    path: request.target.split("?", 1)[0],
    error: toServerError(error),
  });
  response.send(500, PLAIN, "the webhook failed\n");
}
