import type {
  ActivatorCall,
  Payload,
  StringMap,
  WebhookRequest,
} from "../../../src/contract/index.ts";
import { ActorTemplate } from "../kit/actor-template.ts";
import { cloudEventRequestId, readCloudEvent } from "../kit/cloud-event.ts";
import { entryOf, OutsideEvent, parseJson } from "../kit/outside-event.ts";
import { Template } from "../kit/template.ts";

/** Where the parts of a call come from. */
export interface MappingConfig {
  readonly actor: string;
  readonly system: string;
  readonly action: string;
  readonly id: string;
  readonly payload: string;
  readonly timeout: number;
}

/** The call that a request means, or why it means none. */
export type MappedCall =
  | { readonly kind: "ok"; readonly call: ActivatorCall }
  | { readonly kind: "refused"; readonly reason: string };

/** Longest request id, in bytes. */
const REQUEST_ID_BYTES = 128;

/** Attributes of a CloudEvent that the actor's host may want to see. */
const SHOWN_ATTRIBUTES = ["type", "source", "subject", "time"] as const;

const EMPTY: Payload = { type: "", data: new Uint8Array(0) };

/** Makes calls of webhook requests by the templates of one instance. */
export class WebhookMapping {
  readonly #instance: string;
  readonly #timeoutMs: number;
  readonly #actor: ActorTemplate;
  readonly #action: Template;
  readonly #id: Template | undefined;
  /** `undefined` if the body is the payload, byte for byte. */
  readonly #payload: Template | undefined;

  /** Throws if a template cannot be read. */
  constructor(config: MappingConfig, instance: string) {
    this.#instance = instance;
    this.#timeoutMs = config.timeout;
    this.#actor = new ActorTemplate(config.actor, config.system);
    this.#action = new Template(config.action, "name");
    this.#id = config.id === "" ? undefined : new Template(config.id, "name");
    this.#payload = config.payload === "{body}" ? undefined : new Template(config.payload, "json");
  }

  map(request: WebhookRequest): MappedCall {
    const cloud = readCloudEvent(request.headers, request.body);
    if (cloud.kind === "malformed") return refused(`CloudEvent: ${cloud.reason}`);
    const event = new OutsideEvent({
      body: cloud.kind === "event" ? cloud.event.body : request.body,
      headers: request.headers,
      query: Object.fromEntries(new URLSearchParams(request.query)),
      attributes: cloud.kind === "event" ? cloud.event.attributes : {},
    });
    const addressed = this.#actor.render(event);
    if (addressed.kind === "missing") return refused(`actor: the request lacks ${addressed.what}`);
    const action = this.#action.render(event);
    if (action.kind === "missing") return refused(`action: the request lacks ${action.what}`);
    if (action.text === "") return refused("action: it is empty");
    const requestId = this.#requestId(event, cloud.kind === "event");
    if (requestId === undefined) return refused("id: the request has none, or it is too long");
    const payload = this.#payloadOf(event);
    if (payload === undefined) return refused("payload: it is not JSON");
    const call: ActivatorCall = {
      actor: addressed.actor,
      action: action.text,
      payload,
      requestId,
      metadata: this.#metadata(event.attributes),
      timeoutMs: this.#timeoutMs,
    };
    return { kind: "ok", call };
  }

  /** A configured id that the request lacks is an error: without it a repeat would count twice. */
  #requestId(event: OutsideEvent, isCloudEvent: boolean): string | undefined {
    if (this.#id === undefined) return isCloudEvent ? cloudEventRequestId(event.attributes) : "";
    const rendered = this.#id.render(event);
    if (rendered.kind === "missing" || rendered.text === "") return undefined;
    return Buffer.byteLength(rendered.text) > REQUEST_ID_BYTES ? undefined : rendered.text;
  }

  #payloadOf(event: OutsideEvent): Payload | undefined {
    if (this.#payload === undefined) {
      if (event.body.length === 0) return EMPTY;
      if (event.json() === undefined) return undefined;
      return { type: "application/json", data: event.body };
    }
    const rendered = this.#payload.render(event);
    if (rendered.kind === "missing" || parseJson(rendered.text) === undefined) return undefined;
    return { type: "application/json", data: new TextEncoder().encode(rendered.text) };
  }

  #metadata(attributes: StringMap): StringMap {
    const metadata: Record<string, string> = { activator: this.#instance };
    for (const name of SHOWN_ATTRIBUTES) {
      const value = entryOf(attributes, name);
      if (value !== undefined) metadata[`ce-${name}`] = value;
    }
    return metadata;
  }
}

function refused(reason: string): MappedCall {
  return { kind: "refused", reason };
}
