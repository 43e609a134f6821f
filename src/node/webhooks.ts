import type { WebhookRequest, WebhookResponse } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";

type WebhookHandler = (request: WebhookRequest) => Promise<WebhookResponse>;

/** The paths under `/hooks/` that activators have taken. */
export class Webhooks {
  readonly #handlers = new Map<string, WebhookHandler>();

  /** Takes `path` until the returned function is called; throws if it is taken. */
  take(path: string, handler: WebhookHandler): () => void {
    if (this.#handlers.has(path)) {
      throw new ServerError("request.invalid", `the webhook path ${path} is taken`, "not_started", {
        reason: "WEBHOOK_PATH_TAKEN",
      });
    }
    this.#handlers.set(path, handler);
    return () => this.#handlers.delete(path);
  }

  /** Whoever took the path of a request; `undefined` if nobody did. */
  find(path: string): WebhookHandler | undefined {
    return this.#handlers.get(path);
  }
}
