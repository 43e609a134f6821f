import { describe, expect, test } from "bun:test";
import type {
  Authenticator,
  AuthenticatorHost,
  Caller,
  Credentials,
} from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { recordingHost } from "./support/recording-host.ts";

/** What the suite needs of an authenticator. */
export interface AuthenticatorSuiteOptions {
  readonly name: string;
  /** The authenticator, not yet started. */
  readonly create: (host: AuthenticatorHost) => Authenticator;
  /** Credentials that it accepts, with the caller that they name. */
  readonly accepted?: { readonly credentials: Credentials; readonly caller: Caller };
}

/** Credentials of an ordinary connection without any proof. */
export function credentials(overrides: Partial<Credentials> = {}): Credentials {
  return {
    authorization: "",
    remoteAddress: "192.0.2.1",
    secure: true,
    certificate: undefined,
    ...overrides,
  };
}

/** Everything that an authenticator promises, whatever its proof. */
export function authenticatorSuite(options: AuthenticatorSuiteOptions): void {
  const open = async () => {
    const authenticator = options.create(recordingHost());
    await authenticator.start?.(new AbortController().signal);
    return authenticator;
  };
  const close = async (authenticator: Authenticator) =>
    authenticator.stop?.(new AbortController().signal);

  describe(`authenticator ${options.name}`, () => {
    test("names nobody without proof", async () => {
      const authenticator = await open();
      expect(await authenticator.authenticate(credentials())).toBeUndefined();
      await close(authenticator);
    });

    test("names nobody for 2,000 random headers, and never throws", async () => {
      const authenticator = await open();
      const prng = new Prng(31);
      const schemes = [
        "",
        "Bearer ",
        "bearer",
        "Basic ",
        "Bearer  ",
        "Digest ",
        "Bearer a b",
        "\0",
      ];
      for (let round = 0; round < 2_000; round += 1) {
        const length = prng.below(round % 100 === 0 ? 20_000 : 60);
        const text = String.fromCharCode(...Array.from({ length }, () => 1 + prng.below(400)));
        const authorization = `${prng.pick(schemes)}${text}`;
        const remoteAddress = `192.0.2.${prng.below(250)}`;
        const given = credentials({ authorization, remoteAddress });
        expect(await authenticator.authenticate(given)).toBeUndefined();
      }
      await close(authenticator);
    });

    test("stopping twice, or without a start, is harmless", async () => {
      const authenticator = await open();
      await close(authenticator);
      await close(authenticator);
      await close(options.create(recordingHost()));
    });

    const { accepted } = options;
    if (accepted === undefined) return;

    test("names the caller for its proof, the same each time", async () => {
      const authenticator = await open();
      for (let round = 0; round < 3; round += 1) {
        const caller = await authenticator.authenticate(accepted.credentials);
        expect(caller).toEqual(accepted.caller);
      }
      await close(authenticator);
    });

    test("names nobody for a proof with one character changed, cut or added", async () => {
      const authenticator = await open();
      const { authorization } = accepted.credentials;
      const last = authorization.at(-1) === "A" ? "B" : "A";
      const tries = [
        `${authorization.slice(0, -1)}${last}`,
        authorization.slice(0, -1),
        `${authorization}A`,
        `${authorization} `,
        `${authorization}\0`,
      ];
      for (const each of tries) {
        const given = { ...accepted.credentials, authorization: each };
        expect(await authenticator.authenticate(given)).toBeUndefined();
      }
      await close(authenticator);
    });
  });
}
