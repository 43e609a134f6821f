import { expect, test } from "bun:test";
import { freePort } from "../../../test/support/free-port.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { bindDatagrams } from "./datagrams.ts";

test("packets to a healthy peer arrive although another one's port is closed", async () => {
  const lost: string[] = [];
  const bind = () =>
    bindDatagrams({ host: "127.0.0.1", port: 0, lost: (code) => void lost.push(code) });
  const [a, b] = [await bind(), await bind()];
  const closed = await freePort();
  const seen = new Set<number>();
  b.onPacket((packet, host, port) => {
    expect([host, port]).toEqual(["127.0.0.1", a.port]);
    seen.add(packet[0] as number);
  });
  for (let i = 0; i < 20; i += 1) {
    a.send(Uint8Array.of(255), "127.0.0.1", closed);
    // The system reports the closed port a moment later: that is what poisons the next send.
    const before = seen.size;
    a.send(Uint8Array.of(i), "127.0.0.1", b.port);
    await waitUntil("the packet arrives", () => seen.size > before, 2_000);
  }
  expect(seen.size).toBe(20);
  a.send(new Uint8Array(70_000), "127.0.0.1", b.port);
  expect(lost).toEqual(["EMSGSIZE"]);
  a.close();
  b.close();
});
