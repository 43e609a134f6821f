import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CertificateAuthority, type CertificateFiles } from "../../../test/support/certificates.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { withDouble } from "../../../test/support/tds/tds-client.ts";
import type { TdsHandler } from "../../../test/support/tds/tds-handler.ts";
import type { TdsCertificate } from "../../../test/support/tds/tds-encryption.ts";
import { prepared } from "../kit/sql/dialect.ts";
import type { SqlAddress, SqlErrorKind } from "../kit/sql/sql-client.ts";

const signal = () => AbortSignal.timeout(10_000);

function read({ cert, key }: CertificateFiles): TdsCertificate {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

/** What opening came to: whether the session was encrypted, or why there was none. */
async function opened(
  certificate: TdsCertificate | undefined,
  address: Partial<SqlAddress>,
  encryptionRequired = false,
): Promise<boolean | SqlErrorKind> {
  let outcome: boolean | SqlErrorKind = "other";
  const handler: TdsHandler = (_request, { encrypted }) => {
    outcome = encrypted;
    const column = { name: "bytes", type: "varbinary(max)" } as const;
    const rows = [[new Uint8Array(100_000)]];
    return { kind: "results", results: [{ columns: [column], rows }] };
  };
  await withDouble(
    handler,
    async (client) => {
      try {
        await client.open(signal());
        const { rows } = await client.run(prepared("SELECT $1"), [new Uint8Array(100_000)]);
        expect(rows[0]?.[0]).toHaveLength(100_000);
      } catch (error) {
        outcome = (error as { readonly kind: SqlErrorKind }).kind;
      }
    },
    {
      address,
      double: certificate === undefined ? {} : { certificate, encryptionRequired },
    },
  );
  return outcome;
}

describe("a secure connection", () => {
  using folder = tempDir();
  const authority = new CertificateAuthority(folder.path, "authority");
  const other = new CertificateAuthority(folder.path, "other");
  const right = read(authority.issue("right", "IP:127.0.0.1,DNS:localhost"));
  const wrongName = read(authority.issue("wrong", "DNS:elsewhere.example"));
  const tlsCa = readFileSync(authority.pair.cert, "utf8");
  const otherCa = readFileSync(other.pair.cert, "utf8");

  test("that is not wanted is not made", async () => {
    expect(await opened(undefined, { tls: "off" })).toBe(false);
    expect(await opened(right, { tls: "off" })).toBe(false);
  });

  test("that the server wants and the client does not is no connection", async () => {
    expect(await opened(right, { tls: "off" }, true)).toBe("tls");
  });

  test("with any certificate", async () => {
    expect(await opened(wrongName, { tls: "on" })).toBe(true);
  });

  test("with a certificate of the right authority and name or address", async () => {
    expect(await opened(right, { tls: "verify", tlsCa })).toBe(true);
    expect(await opened(right, { tls: "verify", tlsCa, host: "localhost" })).toBe(true);
  });

  test.each([
    ["another authority", right, { tls: "verify", tlsCa: otherCa }],
    ["no authority", right, { tls: "verify" }],
    ["another name", wrongName, { tls: "verify", tlsCa }],
    ["another name for a name", wrongName, { tls: "verify", tlsCa, host: "localhost" }],
    ["a server without one", undefined, { tls: "on" }],
  ] as const)("is refused: %s", async (_name, certificate, address) => {
    expect(await opened(certificate, address)).toBe("tls");
  });
});
