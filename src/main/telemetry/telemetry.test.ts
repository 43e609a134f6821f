import { afterEach, expect, test } from "bun:test";
import { ANONYMOUS } from "../../domain/invocation.ts";
import type { Clock, Logger } from "../../node/ports.ts";
import { Telemetry } from "./telemetry.ts";

let now = 0;
const clock: Clock = {
  now: () => now,
  wallMs: () => 0,
  setTimer: () => () => undefined,
  defer: () => undefined,
};
const lines: (Readonly<Record<string, unknown>> | undefined)[] = [];
const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_event, fields) => lines.push(fields),
  error: () => undefined,
  child: () => log,
};

afterEach(() => lines.splice(0));

test("refusals by policy are all counted, and ten of them a second are logged", async () => {
  const telemetry = new Telemetry({ log, clock, nodeName: "a" });
  const target = { system: "default", type: "counter", key: "k" };
  const refuse = (): void =>
    telemetry.denied({ kind: "invoke", caller: ANONYMOUS, target, action: "add" }, "no rule");
  for (let n = 0; n < 25; n += 1) refuse();
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatchObject({ what: "default/counter/k add", rule: "no rule" });
  now += 1_000;
  refuse();
  expect(lines.slice(10)).toMatchObject([{ suppressed: 15 }, { caller: "anonymous" }]);
  expect(telemetry.metrics()).toContain(
    'troupe_rejected_total{entry="acl",reason="ACCESS_DENIED"} 26\n',
  );
  await telemetry.stop();
});

test("the build is among the metrics, dropped log lines and a plug-in's own", async () => {
  const telemetry = new Telemetry({ log: { ...log, dropped: 3 }, clock, nodeName: "a" });
  telemetry.pluginMeter("cron").count("fires");
  expect(telemetry.metrics()).toMatch(/^troupe_build_info\{version="[^"]+",commit="[^"]+"\} 1$/m);
  expect(telemetry.metrics()).toContain("troupe_plugin_cron_fires 1\n");
  expect(telemetry.metrics()).toContain("troupe_log_dropped_total 3\n");
  await telemetry.stop();
});
