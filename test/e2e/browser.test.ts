import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { tempDir } from "../support/temp-dir.ts";
import type { BrowserClient } from "./clients/browser-client.ts";
import { bundleClient } from "./support/bundle-client.ts";
import { expectReport } from "./support/expect-report.ts";
import { isAbsent } from "./support/tools.ts";
import { startDev, type TroupeServer } from "./support/troupe-process.ts";

const CHROMIUM = "/usr/bin/chromium";
/** A browser of its own that looks for nothing outside of this machine. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

declare const client: BrowserClient;

describe.skipIf(isAbsent(CHROMIUM))("a page of another origin", () => {
  const folder = tempDir();
  let pages: ReturnType<typeof Bun.serve>;
  let browser: Browser;
  let page: Page;
  let server: TroupeServer;
  let closed: TroupeServer;

  beforeAll(async () => {
    const script = await bundleClient("browser-client", folder.path, "browser");
    pages = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        new URL(request.url).pathname === "/client.js"
          ? new Response(Bun.file(script))
          : new Response('<script type="module" src="/client.js"></script>', {
              headers: { "content-type": "text/html" },
            }),
    });
    const origin = `http://127.0.0.1:${pages.port}`;
    const env = { TROUPE_CORS_ORIGINS: origin, TROUPE_DATA_DIR: join(folder.path, "open") };
    server = await startDev(folder.path, undefined, { env });
    const shut = { TROUPE_DATA_DIR: join(folder.path, "closed") };
    closed = await startDev(folder.path, undefined, { env: shut });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, headless: true });
    page = await browser.newPage();
    await page.goto(origin);
    await page.waitForFunction("globalThis.client !== undefined");
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.kill9();
    await closed?.kill9();
    await pages?.stop(true);
    folder[Symbol.dispose]();
  });

  test.each(["connect", "grpc-web"])("speaks %s by connect-web", async (protocol) => {
    const report = await page.evaluate(([name, url]) => client.rpc(name, url, `page-${name}`), [
      protocol,
      server.url,
    ] as const);
    expectReport(report, { bidi: false });
  });

  test("speaks JSON and sees what it needs of the answer", async () => {
    const run = () => page.evaluate((url) => client.json(url, "counter/page/add"), server.url);
    expect(await run()).toEqual({ body: 1, revision: "1", replayed: null });
    expect(await run()).toEqual({ body: 1, revision: "1", replayed: "true" });
  });

  test("is refused by a server that does not list it", async () => {
    const run = page.evaluate((url) => client.json(url, "counter/page/add"), closed.url);
    expect(await run.catch((error: unknown) => String(error))).toContain("Failed to fetch");
    const state = await fetch(`${closed.url}/v1/counter/page`);
    expect(state.headers.get("x-troupe-revision") ?? "0").toBe("0");
  });
});
