import { waitUntil } from "../../support/wait-until.ts";
import { type Check, newest, replies, run, same, type Step } from "./check-steps.ts";
import type { KitServer } from "./kit-server.ts";

/** How long a host may take to come back. */
const RETURN_MS = 30_000;

const allCredit = (kit: KitServer): Promise<true> =>
  waitUntil("the host gives all its credit back", () => {
    const { credit, firstCredit } = newest(kit);
    return credit === firstCredit;
  });

/** Batches, credit and the life of the stream. The last ones end connections. */
export const FLOW_CHECKS: readonly Check[] = [
  {
    name: "answers 500 invocations that come at once, in batches",
    async run(kit) {
      await allCredit(kit);
      const link = newest(kit);
      const before = link.batches.length;
      const all = await Promise.all(
        Array.from({ length: 500 }, (_, at) => run(kit, `many-${at}`, [["add", at]])),
      );
      for (const [at, result] of all.entries()) same(`reply ${at}`, replies(result), [at]);
      const batches = link.batches.length - before;
      if (batches > 250)
        throw new Error(`500 results came in ${batches} frames; answer what is ready together`);
    },
  },
  {
    name: "a slow turn does not hold up other actors",
    shape: "attached",
    async run(kit) {
      const order: string[] = [];
      const slow = run(kit, "sleeper", [["slow", 300]]).then((result) => {
        order.push("slow");
        same("the reply", replies(result), ["done"]);
      });
      const quick = run(kit, "quick", [["get"]]).then(() => order.push("quick"));
      await Promise.all([slow, quick]);
      same("who was first", order, ["quick", "slow"]);
    },
  },
  {
    name: "gives back the credit of every turn, of failed ones too",
    async run(kit) {
      await allCredit(kit);
      const { firstCredit } = newest(kit);
      const steps: Step[] = [["add", 1], ["fail", { code: "x", message: "y" }], ["no-such-action"]];
      await Promise.all(
        Array.from({ length: firstCredit }, (_, at) => run(kit, `credit-${at}`, steps)),
      );
      await allCredit(kit);
    },
  },
  {
    name: "goes on when an invocation is taken back, and gives its credit back",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const lost = run(kit, "cancelled", [["slow", 3000]]).catch((error: unknown) => error);
      const [id] = link.running.keys();
      if (id === undefined) throw new Error("the invocation did not start");
      kit.gate.cancel(id);
      await lost;
      same("the next call", replies(await run(kit, "after", [["add", 1]])), [1]);
      await allCredit(kit);
    },
  },
  {
    name: "finishes running turns when the server drains, and attaches again",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const running = run(kit, "drained", [["slow", 300]]);
      link.link.drain();
      same("the running turn", replies(await running), ["done"]);
      await waitUntil(
        "the host leaves the draining server",
        () => link.lost !== undefined,
        RETURN_MS,
      );
      await waitUntil("the host attaches again", () => kit.gate.attached.length > 0, RETURN_MS);
      same("it serves", replies(await run(kit, "back", [["get"]])), [0]);
    },
  },
  {
    name: "attaches again when the connection is lost",
    shape: "attached",
    async run(kit) {
      const link = newest(kit);
      const running = run(kit, "lost", [["slow", 2000]]).catch((error: unknown) => error);
      link.link.close("the check ends the stream");
      const error = await running;
      same(
        "the running turn",
        error instanceof Error ? error.message : "an answer",
        "the check ends the stream",
      );
      await waitUntil("the host attaches again", () => kit.gate.attached.length > 0, RETURN_MS);
      same("it serves", replies(await run(kit, "again", [["add", 1]])), [1]);
    },
  },
];
