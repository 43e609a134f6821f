import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { BINARY } from "./support/troupe-process.ts";

const PORTS = ["--http-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"];

/** The binary in front of a terminal, whose text is kept. */
function onTerminal(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  let text = "";
  const child = Bun.spawn([BINARY, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd, TERM: "xterm", ...env },
    terminal: { cols: 120, rows: 40, data: (_terminal, data) => (text += data.toString()) },
  });
  return {
    child,
    seen: (part: string) => waitUntil(`"${part}" is shown`, () => text.includes(part)),
    get text() {
      return text;
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

const source = (action: string): string =>
  `export default { type: "counter", initial: 0, actions: { ${action}: (ctx, n) => (ctx.state += n) } };`;

test("dev greets, tells of each reload and why one did not happen, and ends with Ctrl-C", async () => {
  using folder = tempDir();
  const file = join(folder.path, "counter.ts");
  writeFileSync(file, source("add"));
  using shown = onTerminal(folder.path, ["dev", "counter.ts", "--log-format", "json", ...PORTS]);
  await shown.seen("curl -X POST http://127.0.0.1:");
  expect(shown.text).toContain("\u001b[1mTroupe\u001b[0m is ready at ");
  expect(shown.text).toContain("  actor   counter: add\r\n");
  writeFileSync(file, source("plus"));
  await shown.seen("  actor   counter: plus\r\n");
  expect(shown.text).toContain("reloaded\u001b[0m counter.ts");
  writeFileSync(file, "export default {");
  await shown.seen("not reloaded\u001b[0m counter.ts, the version before goes on");
  expect(shown.text).not.toContain("actors.reloaded");
  shown.child.terminal?.write("\u0003");
  expect(await shown.child.exited).toBe(0);
});

test("problems of the configuration are text on a terminal, without colours where none are wanted", async () => {
  using folder = tempDir();
  const args = ["serve", "--prot", "1", "--log-level", "loud"];
  using coloured = onTerminal(folder.path, args);
  expect(await coloured.child.exited).toBe(64);
  await coloured.seen("the configuration has 2 problems");
  expect(coloured.text).toContain("\u001b[31merror");
  using plain = onTerminal(folder.path, args, { NO_COLOR: "1" });
  expect(await plain.child.exited).toBe(64);
  await plain.seen("did you mean --port?");
  expect(plain.text).not.toContain("\u001b[");
});
