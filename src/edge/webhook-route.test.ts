import { expect, test } from "bun:test";
import { keptLog } from "../../test/support/edge-server.ts";
import { ANONYMOUS } from "../domain/invocation.ts";
import type { BodyFailure, HttpRequest, HttpResponse } from "../node/ports.ts";
import { Webhooks } from "../node/webhooks.ts";
import { webhookRoute } from "./webhook-route.ts";

test.each([
  ["too_large", [413]],
  ["timeout", [408]],
  ["aborted", []],
] as const)("a body that fails by %s is answered %j", (failure: BodyFailure, answered) => {
  const webhooks = new Webhooks();
  webhooks.take("pay", () => Promise.reject(new Error("must not be asked")));
  const route = webhookRoute(webhooks, 10, keptLog([]));
  const statuses: number[] = [];
  const request = {
    target: "/hooks/pay?x=1",
    readBody: (_limit: number, done: (failure: BodyFailure, body: Uint8Array) => void) =>
      done(failure, new Uint8Array()),
  } as unknown as HttpRequest;
  const response = {
    send: (status: number) => void statuses.push(status),
  } as unknown as HttpResponse;
  route.request(request, response, ANONYMOUS);
  expect(statuses).toEqual([...answered]);
});
