import { expect, test } from "bun:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import { DEFAULT_EDGE_LIMITS } from "./api-options.ts";
import { Authentication } from "./authentication.ts";

const good: Caller = { kind: "client", id: "ann", roles: [] };
const credentials = (authorization: string, remoteAddress = "10.0.0.1") => ({
  authorization,
  remoteAddress,
  secure: false,
  certificate: undefined,
});

test("an address that keeps guessing is answered late, and whoever is right at once", () => {
  const clock = new ManualClock();
  const authentication = new Authentication(
    ({ authorization }) => (authorization === "Bearer good" ? good : undefined),
    DEFAULT_EDGE_LIMITS,
    clock,
  );
  const answers: string[] = [];
  const ask = (authorization: string, address?: string): void =>
    authentication.identify(credentials(authorization, address), (found) =>
      answers.push(found instanceof ServerError ? found.code : found.id),
    );
  for (let count = 0; count < 101; count += 1) ask("Bearer wrong");
  expect(answers).toHaveLength(100);
  ask("Bearer good");
  ask("Bearer wrong", "10.0.0.2");
  ask("");
  expect(answers.slice(100)).toEqual(["ann", "identity.missing", "identity.missing"]);
  clock.advance(1_000);
  expect(answers).toHaveLength(104);
  clock.advance(60_000);
  ask("Bearer wrong");
  expect(answers).toHaveLength(105);
});

test("the authenticator's answer counts once, in time or not at all", async () => {
  const clock = new ManualClock();
  const { promise, resolve } = Promise.withResolvers<Caller>();
  const authentication = new Authentication(() => promise, DEFAULT_EDGE_LIMITS, clock);
  const answers: unknown[] = [];
  authentication.identify(credentials("x"), (found) => answers.push(found));
  clock.advance(999);
  expect(answers).toEqual([]);
  clock.advance(1);
  expect(answers).toMatchObject([{ code: "state.unavailable" }]);
  resolve(good);
  await promise;
  expect(answers).toHaveLength(1);
});
