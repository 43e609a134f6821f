import { Cron } from "croner";
import type {
  ActivatorCall,
  ActivatorHost,
  Reply,
  WebhookRequest,
  WebhookResponse,
} from "../../../src/contract/index.ts";
import { type RecordingHost, type RecordingHostOptions, recordingHost } from "./recording-host.ts";

/** One call that an activator made, and the hands that answer it. */
export interface RecordedCall {
  readonly call: ActivatorCall;
  readonly signal: AbortSignal;
}

/** What a suite may choose about an activator's host. */
export interface ActivatorHostOptions extends RecordingHostOptions {
  /** Shared by the hosts of one pretended cluster. */
  readonly claims?: Set<string>;
}

/** A host that remembers calls, answers them as told, and takes webhooks by hand. */
export interface RecordingActivatorHost extends RecordingHost, ActivatorHost {
  readonly clock: RecordingHost["clock"];
  readonly calls: RecordedCall[];
  readonly claims: Set<string>;
  readonly webhooks: Map<string, (request: WebhookRequest) => Promise<WebhookResponse>>;
  /** How calls are answered from now on; a throw is a rejection. */
  answer: (call: ActivatorCall) => Reply | Promise<Reply>;
  /** How claims are answered before the shared set is asked; a throw is a rejection. */
  beforeClaim: () => void;
  /** Sends a webhook; 404 if nobody takes the path. */
  post(path: string, request?: Partial<WebhookRequest>): Promise<WebhookResponse>;
}

/** An ordinary committed reply. */
export const COMMITTED: Reply = {
  payload: { type: "", data: new Uint8Array(0) },
  revision: 7,
  durable: true,
  replayed: false,
  metadata: {},
};

/** Makes a host for one activator. */
export function activatorHost(options: ActivatorHostOptions = {}): RecordingActivatorHost {
  const claims = options.claims ?? new Set<string>();
  const base = recordingHost(options);
  const host: RecordingActivatorHost = {
    ...base,
    calls: [],
    claims,
    webhooks: new Map(),
    answer: () => COMMITTED,
    beforeClaim: () => undefined,
    async invoke(call, signal) {
      host.calls.push({ call, signal });
      return host.answer(call);
    },
    webhook(path, handler) {
      if (host.webhooks.has(path)) throw new Error(`webhook ${path} is taken`);
      host.webhooks.set(path, handler);
      return () => void host.webhooks.delete(path);
    },
    nextCron(cron, timeZone, afterMs) {
      return new Cron(cron, { timezone: timeZone }).nextRun(new Date(afterMs))?.getTime();
    },
    async claimOnce(key) {
      host.beforeClaim();
      const mark = `${base.instance}\0${key}`;
      if (claims.has(mark)) return false;
      claims.add(mark);
      return true;
    },
    async post(path, request = {}) {
      const handler = host.webhooks.get(path);
      if (handler === undefined) return { status: 404, headers: {}, body: "" };
      const whole = { method: "POST", path, query: "", headers: {}, body: new Uint8Array(0) };
      return handler({ ...whole, ...request });
    },
  };
  return host;
}
