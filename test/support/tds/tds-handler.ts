import type { TdsCertificate } from "./tds-encryption.ts";
import type { TdsLogin, TdsRequest, TdsValue } from "./tds-requests.ts";
import type { TdsColumn } from "./tds-tokens.ts";

/** Rows of one statement of a batch, with what it says that it changed. */
export interface TdsResult {
  readonly columns: readonly TdsColumn[];
  readonly rows: readonly (readonly TdsValue[])[];
  /** The number in its DONE, which is not always that of its rows. */
  readonly count?: number;
}

/** How a request is answered. */
export type TdsAnswer =
  | {
      readonly kind: "results";
      readonly results: readonly TdsResult[];
      /** What the batch did to transactions, told before its results. */
      readonly transaction?: readonly ("begin" | "commit" | "rollback")[];
    }
  | {
      readonly kind: "error";
      readonly number: number;
      readonly message: string;
      readonly severity?: number;
      /** The error ended the transaction, as it does with XACT_ABORT. */
      readonly rolledBack?: boolean;
    }
  /** No answer until the client asks to stop, and then only that it has stopped. */
  | { readonly kind: "silence" }
  /** No answer, and none to what the client says afterwards either. */
  | { readonly kind: "deaf" }
  /** The connection breaks. */
  | { readonly kind: "cut" };

/** One client as a handler sees it. */
export interface TdsClient {
  readonly number: number;
  readonly login: TdsLogin;
  readonly encrypted: boolean;
  /** The texts by which it set up its session, one after another. */
  readonly settings: string;
  /** True between what begins a transaction and what ends it. */
  readonly inTransaction: boolean;
}

/**
 * What the double does with a request of a client that is logged in and has set up its session.
 * `stopped` aborts when the client asks to stop, or is gone.
 */
export type TdsHandler = (
  request: TdsRequest,
  client: TdsClient,
  stopped: AbortSignal,
) => TdsAnswer | Promise<TdsAnswer>;

/** How a double behaves besides its answers. */
export interface TdsOptions {
  /** Offers TLS, which `encryptionRequired` insists on. */
  readonly certificate?: TdsCertificate;
  readonly encryptionRequired?: boolean;
  /** Refuses a login by an error; `undefined` lets it in. */
  readonly refuse?: (login: TdsLogin) => { number: number; message: string } | undefined;
  readonly port?: number;
  readonly packetBytes?: number;
  /** Told when a client that was logged in is gone. */
  readonly gone?: (client: TdsClient) => void;
  /** Accepts connections and says nothing. */
  readonly mute?: boolean;
}
