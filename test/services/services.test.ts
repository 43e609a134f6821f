import { describe, expect, test } from "bun:test";
import { answersHandshake } from "./handshake.ts";
import { SERVICE_KINDS } from "./service-kinds.ts";
import { isReachable } from "./services.ts";

describe("back ends", () => {
  for (const kind of SERVICE_KINDS) {
    const url = process.env[kind.variable];
    const required = process.env["REQUIRE_BACKENDS"] === "1" && kind.optional !== true;
    if (url === undefined && !required) {
      process.stdout.write(`skipped: ${kind.name} is not running (${kind.variable} is not set)\n`);
    }
    test.skipIf(url === undefined && !required)(
      `${kind.name} answers in its protocol`,
      async () => {
        expect(await isReachable(kind, url)).toBe(true);
      },
    );
  }

  test("a server of another protocol is not taken for the right one", async () => {
    using other = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => void socket.write("220 mail.example ESMTP\r\n"),
        data: () => undefined,
      },
    });
    for (const kind of SERVICE_KINDS) {
      expect(await answersHandshake("127.0.0.1", other.port, kind.handshake, 100)).toBe(false);
    }
  });

  test("a closed port is not taken for a server", async () => {
    const [kind] = SERVICE_KINDS;
    expect(await isReachable(kind!, "postgres://127.0.0.1:1/")).toBe(false);
  });
});
