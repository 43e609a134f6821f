import { expect, test } from "bun:test";
import { parseSeed } from "./seed-address.ts";

test.each([
  ["node-b:7702", "node-b", 7702],
  ["node-b", "node-b", undefined],
  [" 10.0.0.1:1 ", "10.0.0.1", 1],
  ["[::1]:7702", "::1", 7702],
  ["[fe80::1%eth0]", "fe80::1%eth0", undefined],
  ["troupe.example.org:65535", "troupe.example.org", 65_535],
])("%p is an address", (text, host, port) => {
  expect(parseSeed(text)).toEqual({ host, port });
});

test.each([
  "",
  ":7702",
  "node-b:",
  "node-b:0",
  "node-b:65536",
  "node-b:77a",
  "::1",
  "[::1",
  "a b:1",
  "http://node-b:7702",
  "node-b:7702/path",
])("%p is none", (text) => {
  expect(parseSeed(text)).toBeUndefined();
});
