import type {
  Activator,
  ActivatorCall,
  ActivatorHost,
  StringMap,
  WebhookRequest,
  WebhookResponse,
} from "../../../src/contract/index.ts";
import { callFailure } from "../kit/call-failure.ts";
import { RunningCalls } from "../kit/running-calls.ts";
import { type MappingConfig, WebhookMapping } from "./webhook-mapping.ts";
import { type SignatureConfig, WebhookSignature } from "./webhook-signature.ts";

/** Options of one instance. */
export interface HttpConfig extends MappingConfig, SignatureConfig {
  readonly path: string;
  readonly allowUnsigned: boolean;
  readonly concurrency: number;
}

/** Statuses of failures that a repeat does not mend; others are 500. */
const STATUS: Readonly<Record<string, number>> = {
  "request.invalid": 400,
  "request.id_conflict": 409,
  "request.too_large": 413,
  "access.denied": 403,
  "actor.unknown": 404,
};

/** When a sender should come again if nothing better is known. */
const RETRY_AFTER_MS = 1_000;

/** Turns webhooks into calls. The sender hears 202 once the turn is committed, and not before. */
export class HttpActivator implements Activator {
  readonly #config: HttpConfig;
  readonly #host: ActivatorHost;
  readonly #mapping: WebhookMapping;
  readonly #signature: WebhookSignature | undefined;
  readonly #running = new RunningCalls();
  #open = false;
  #release: (() => void) | undefined;

  /** Throws on a template that cannot be read, and without a secret unless that is allowed. */
  constructor(config: HttpConfig, host: ActivatorHost) {
    if (config.secret === "" && !config.allowUnsigned) {
      throw new Error("secret is empty: give one, or set allowUnsigned");
    }
    this.#config = config;
    this.#host = host;
    this.#mapping = new WebhookMapping(config, host.instance);
    this.#signature = config.secret === "" ? undefined : new WebhookSignature(config);
  }

  async start(): Promise<void> {
    const path = this.#config.path === "" ? this.#host.instance : this.#config.path;
    this.#release = this.#host.webhook(path, (request) => this.#answer(request));
    this.#open = true;
  }

  /** The path stays taken, so that senders hear "later" rather than "unknown". */
  async pause(): Promise<void> {
    this.#open = false;
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#open = false;
    this.#release?.();
    this.#release = undefined;
    await this.#running.finish(signal);
  }

  async #answer(request: WebhookRequest): Promise<WebhookResponse> {
    const response = await this.#respond(request);
    this.#host.meter.count("requests_total", 1, { status: String(response.status) });
    return response;
  }

  async #respond(request: WebhookRequest): Promise<WebhookResponse> {
    if (request.method !== "POST" && request.method !== "PUT") {
      return respond(405, { error: "only POST and PUT are taken" }, { allow: "POST, PUT" });
    }
    if (this.#signature?.accepts(request.headers, request.body) === false) {
      return respond(401, { error: "the signature is missing or wrong" });
    }
    if (!this.#open || this.#running.count >= this.#config.concurrency) {
      return unavailable(RETRY_AFTER_MS, { error: "no more requests are taken now" });
    }
    const mapped = this.#mapping.map(request);
    if (mapped.kind === "refused") return respond(400, { error: mapped.reason });
    return this.#running.track(this.#invoke(mapped.call));
  }

  async #invoke(call: ActivatorCall): Promise<WebhookResponse> {
    try {
      const reply = await this.#host.invoke(call, this.#running.signal);
      return respond(202, { revision: reply.revision, replayed: reply.replayed });
    } catch (error) {
      const { code, outcome, message, retryAfterMs, passing } = callFailure(error);
      const body = { error: message, code, outcome };
      if (passing) return unavailable(retryAfterMs ?? RETRY_AFTER_MS, body);
      return respond(STATUS[code] ?? 500, body);
    }
  }
}

function unavailable(retryAfterMs: number, body: object): WebhookResponse {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return respond(503, body, { "retry-after": String(seconds) });
}

function respond(status: number, body: object, headers: StringMap = {}): WebhookResponse {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
