import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { tempDir } from "../../test/support/temp-dir.ts";
import { makeDialTransport } from "./dial-transport.ts";

const folder = tempDir();
const socket = join(folder.path, "host.sock");
const servers: Server[] = [];
const endpoints: string[] = [];
const transport = makeDialTransport();

/** Echoes; `/silent` never answers, `/trickle` begins and never ends, `/large` sends a megabyte. */
function serve(): Server {
  const server = createServer((request, response) => {
    if (request.url === "/silent") return;
    if (request.url === "/trickle") return void response.write("x");
    if (request.url === "/large") return void response.end(Buffer.alloc(1024 * 1024));
    response.writeHead(request.url === "/refuse" ? 503 : 200);
    request.pipe(response);
  });
  servers.push(server);
  return server;
}

beforeAll(async () => {
  const tcp = serve();
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  const address = tcp.address();
  endpoints.push(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
  const unix = serve();
  await new Promise<void>((resolve) => unix.listen(socket, resolve));
  endpoints.push(`unix:${socket}`);
});

afterAll(() => {
  transport.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  folder[Symbol.dispose]();
});

const LIMITS = { timeoutMs: 5_000, limitBytes: 100_000 };
const body = new Uint8Array([1, 2, 3]);

describe.each([
  [0, "TCP"],
  [1, "a Unix socket"],
])("transport %d: %s", (at) => {
  const post = (path: string, limits = LIMITS) =>
    transport.post(endpoints[at] ?? "", path, {}, body, limits);

  test("brings the answer and its status", async () => {
    const answer = await post("/echo");
    expect([answer.status, [...answer.body]]).toEqual([200, [1, 2, 3]]);
    expect((await post("/refuse")).status).toBe(503);
  });

  test("serves many calls at once", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => post("/echo")));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  test("gives up on an answer that does not come, or does not end", async () => {
    await expect(post("/silent", { ...LIMITS, timeoutMs: 50 })).rejects.toThrow();
    await expect(post("/trickle", { ...LIMITS, timeoutMs: 50 })).rejects.toThrow();
  });

  test("refuses an answer above the limit", async () => {
    await expect(post("/large")).rejects.toThrow("too large");
  });
});

test("an endpoint where nobody listens rejects", async () => {
  await expect(
    transport.post(`unix:${join(folder.path, "none")}`, "/", {}, body, LIMITS),
  ).rejects.toThrow();
});
