import type { Caller } from "../domain/invocation.ts";
import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What an authenticator is handed. */
export type AuthenticatorHost = PluginHost;

/** What the channel shows of the caller. */
export interface Credentials {
  /** The `authorization` header, or the token of a host's first frame as `Bearer …`; "" if none. */
  readonly authorization: string;
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** Verified client certificate, if any. */
  readonly certificate:
    | {
        readonly subject: string;
        readonly altNames: readonly string[];
        readonly fingerprint256: string;
      }
    | undefined;
}

/** Names the caller from the channel, never from the message. */
export interface Authenticator extends Component {
  /**
   * The caller, or `undefined` if these credentials are not this authenticator's to accept. Answers
   * at once where it can: a promise costs the hot path. Whatever is not a `Caller` counts as failure.
   */
  authenticate(credentials: Credentials): Caller | undefined | Promise<Caller | undefined>;
}
