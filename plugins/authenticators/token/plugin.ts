import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { TokenAuthenticator, type TokenConfig } from "./token-authenticator.ts";

const options: OptionDescriptors<TokenConfig> = {
  file: {
    type: "path",
    default: "",
    doc: "File of lines name:sha256-of-token[:role,role][:kind], reloaded when it changes; kind is client, host or admin.",
  },
  tokens: {
    type: "list",
    default: [],
    secret: true,
    doc: "Tokens of clients as name=token, each of at least 32 characters.",
  },
};

export default {
  contract: "authenticator@1",
  name: "token",
  stability: "beta",
  doc: "Names callers by static bearer tokens, of which only hashes are kept.",
  options,
  create: (config, host) => new TokenAuthenticator(config, host),
} satisfies Plugin<"authenticator@1", TokenConfig>;
