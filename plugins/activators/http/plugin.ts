import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { HttpActivator, type HttpConfig } from "./http-activator.ts";

const options: OptionDescriptors<HttpConfig> = {
  path: {
    type: "string",
    default: "",
    doc: "Path under /hooks/ of the client listener; empty for the name of the instance.",
  },
  secret: {
    type: "string",
    default: "",
    secret: true,
    doc: "Key of the HMAC-SHA256 signature over the body; needed unless unsigned is allowed.",
  },
  previousSecret: {
    type: "string",
    default: "",
    secret: true,
    doc: "A second key that is accepted while senders change to a new one.",
  },
  allowUnsigned: { type: "boolean", default: false, doc: "Takes requests without a signature." },
  signatureHeader: {
    type: "string",
    default: "x-hub-signature-256",
    doc: "Header that carries the signature.",
  },
  signaturePrefix: { type: "string", default: "sha256=", doc: "Text in front of the signature." },
  signatureEncoding: {
    type: "string",
    default: "hex",
    values: ["hex", "base64"],
    doc: "How the signature is written.",
  },
  actor: {
    type: "string",
    doc: "Template of the actor: type/key or system/type/key, such as order/{json:$.orderId}.",
  },
  system: { type: "string", default: "default", doc: "System of an actor given as type/key." },
  action: { type: "string", doc: "Template of the action." },
  id: {
    type: "string",
    default: "",
    doc: "Template of the request id, such as {header:x-github-delivery}; CloudEvents have their own.",
  },
  payload: {
    type: "string",
    default: "{body}",
    doc: "Template of the payload, JSON text; values stand in it as JSON.",
  },
  timeout: {
    type: "duration",
    default: 30_000,
    min: 1,
    max: 3_600_000,
    doc: "How long one call may take.",
  },
  concurrency: {
    type: "integer",
    default: 100,
    min: 1,
    max: 100_000,
    doc: "Most calls at once; further requests are answered with 503.",
  },
};

export default {
  contract: "activator@1",
  name: "http",
  stability: "beta",
  doc: "Takes signed webhooks and CloudEvents over HTTP, and answers after the commit.",
  options,
  create: (config, host) => new HttpActivator(config, host),
} satisfies Plugin<"activator@1", HttpConfig>;
