import { describe, expect, test } from "bun:test";
import { Instruments } from "../../node/instruments.ts";
import { Metrics } from "../../node/metrics.ts";
import { pluginMeter } from "../../node/plugin-meter.ts";
import type { Clock } from "../../node/ports.ts";
import { measureLoopLag } from "./loop-lag.ts";
import { renderPrometheus } from "./prometheus.ts";

const lines = (metrics: Metrics): string[] => renderPrometheus(metrics.families()).split("\n");

describe("the text of a scrape", () => {
  test("has help, type and one line per series", () => {
    const instruments = new Instruments();
    instruments.rejected("rpc", "ID_EMPTY");
    instruments.rejected("rpc", "ID_EMPTY");
    instruments.rejected("json", 'a "b"\\\n');
    const text = lines(instruments.metrics);
    expect(text).toContain("# TYPE troupe_rejected_total counter");
    expect(text).toContain('troupe_rejected_total{entry="rpc",reason="ID_EMPTY"} 2');
    expect(text).toContain('troupe_rejected_total{entry="json",reason="a \\"b\\"\\\\\\n"} 1');
    expect(text).toContain("troupe_dedup_hit_total 0");
  });

  test("cumulates histograms and ends them with +Inf, sum and count", () => {
    const metrics = new Metrics();
    const histogram = metrics.histogram("h", "Help.", ["op"], [1, 2]);
    for (const value of [0.5, 1, 1.5, 7]) histogram.observe(value, "get");
    expect(lines(metrics).slice(2, -1)).toEqual([
      'troupe_h_bucket{op="get",le="1"} 2',
      'troupe_h_bucket{op="get",le="2"} 3',
      'troupe_h_bucket{op="get",le="+Inf"} 4',
      'troupe_h_sum{op="get"} 10',
      'troupe_h_count{op="get"} 4',
    ]);
  });

  test("reads gauges when it is asked", () => {
    const instruments = new Instruments();
    let activations = 1;
    instruments.read({
      inFlight: () => 2,
      activations: () => activations,
      mailboxCalls: () => 3,
      longestMailbox: () => 4,
      members: () => undefined,
      hosts: () => new Map([["attach", 5]]),
      stores: () => [
        { name: "default", isUp: true, leaseMarginMs: 1_500, activations: 7 },
        { name: "archive", isUp: false, leaseMarginMs: -250, activations: 0 },
      ],
    });
    activations = 9;
    const text = lines(instruments.metrics);
    expect(text).toContain("troupe_activations 9");
    expect(text).toContain('troupe_hosts{kind="attach"} 5');
    expect(text).toContain('troupe_lease_margin_seconds{store="default"} 1.5');
    expect(text).toContain('troupe_lease_margin_seconds{store="archive"} -0.25');
    expect(text).toContain('troupe_store_up{store="archive"} 0');
    expect(text).toContain('troupe_store_activations{store="default"} 7');
  });
});

test("milliseconds become seconds, and outcomes of commits are told apart", () => {
  const instruments = new Instruments();
  instruments.observe("Invoke", "ok", 250);
  instruments.committed(3, 7, 2);
  instruments.failed("fenced", 1, "default");
  instruments.failed("unknown", 2, "archive");
  instruments.stored("claim", "state.unavailable", 3, "archive");
  const text = lines(instruments.metrics);
  expect(text).toContain('troupe_rpc_seconds_sum{method="Invoke",code="ok"} 0.25');
  expect(text).toContain('troupe_rpc_seconds_bucket{method="Invoke",code="ok",le="0.25"} 1');
  expect(text).toContain("troupe_turn_committed_total 7");
  expect(text).toContain("troupe_turn_fenced_total 1");
  expect(text).toContain("troupe_commit_ambiguous_total 2");
  expect(text).toContain('troupe_commit_failed_total{outcome="unknown"} 2');
  expect(text).toContain('troupe_store_failed_total{store="archive",op="commit"} 1');
  expect(text).toContain('troupe_store_failed_total{store="archive",op="claim"} 1');
});

test("beyond the limit everything goes to one series", () => {
  const metrics = new Metrics(3);
  const counter = metrics.counter("c", "Help.", ["a", "b"]);
  for (let n = 0; n < 100; n += 1) counter.add(1, `x${n}`, "y");
  expect(lines(metrics).filter((line) => line.startsWith("troupe_c"))).toEqual([
    'troupe_c{a="x0",b="y"} 1',
    'troupe_c{a="x1",b="y"} 1',
    'troupe_c{a="x2",b="y"} 1',
    'troupe_c{a="other",b="other"} 97',
  ]);
});

test("a plug-in's metrics carry its name, and a name that is taken cannot be taken over", () => {
  const metrics = new Metrics();
  const meter = pluginMeter(metrics, "policy-files");
  meter.count("reloads", 2, { file: "a", team: "b", zone: "c" });
  meter.count("reloads", 1, { team: "b", file: "a" });
  meter.gauge("reloads", 77);
  meter.observe("ms", 3);
  const text = lines(metrics);
  expect(text).toContain('troupe_plugin_policy_files_reloads{file="a",team="b"} 3');
  expect(text).toContain("troupe_plugin_policy_files_ms_count 1");
  expect(text.join("\n")).not.toContain("77");
});

test("loop lag is how late the timer was", () => {
  let now = 0;
  let timer: (() => void) | undefined;
  const clock: Clock = {
    now: () => now,
    wallMs: () => 0,
    setTimer: (_delayMs, callback) => {
      timer = callback;
      return () => {
        timer = undefined;
      };
    },
    defer: () => undefined,
  };
  const seen: number[] = [];
  const stop = measureLoopLag(clock, (ms) => seen.push(ms));
  for (const late of [250, 290]) {
    now += late;
    timer?.();
  }
  expect(seen).toEqual([0, 40]);
  stop();
  expect(timer).toBeUndefined();
});
