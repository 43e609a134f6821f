import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleAuthenticator } from "./sample-authenticator.ts";

interface Config {
  readonly token: string;
  readonly caller: string;
}

const options: OptionDescriptors<Config> = {
  token: {
    type: "string",
    secret: true,
    doc: "The token that callers show, 32 characters or more.",
  },
  caller: { type: "string", default: "client", doc: "Id of whoever shows the token." },
};

export default {
  contract: "authenticator@1",
  name: "sample",
  stability: "experimental",
  doc: "One bearer token names one caller.",
  options,
  create: (config) => new SampleAuthenticator(config.token, config.caller),
} satisfies Plugin<"authenticator@1", Config>;
