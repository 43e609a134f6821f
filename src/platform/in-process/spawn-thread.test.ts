import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";

const MODULE = `
export default {
  type: "stray",
  actions: {
    throws() { setTimeout(() => { throw new Error("thrown by a timer"); }, 0); },
    rejects() { void Promise.reject(new Error("rejected by nobody")); },
  },
};
`;

/** Starts a thread, runs both actions one after the other and prints every frame that comes back. */
const PROGRAM = `
import { packInvocations } from ${JSON.stringify(join(import.meta.dir, "actor-frames.ts"))};
import { spawnThread } from ${JSON.stringify(join(import.meta.dir, "spawn-thread.ts"))};
const actor = { system: "default", type: "stray", key: "a" };
const caller = { kind: "client", id: "", roles: [] };
const payload = { type: "", data: new Uint8Array(0) };
const call = { actor, payload, requestId: "", metadata: {}, caller, chain: [], hops: 0 };
const run = (id, action) => {
  const turn = { turnId: id, attempt: 1, invocation: { ...call, action, deadlineMs: 5_000 } };
  const actorPart = { id, actor, revision: 0, epoch: 0, tags: {}, keepStates: false };
  const packed = packInvocations([{ ...actorPart, turns: [turn] }], 0);
  thread.post({ kind: "work", cancel: [], replies: [], ping: 0, ...packed });
};
let heard = 0;
const thread = spawnThread({
  ended: (reason) => { console.log("ended", reason); process.exit(1); },
  frame: (frame) => {
    if (frame.kind === "loaded") run(1, "throws");
    for (const text of frame.strays ?? []) {
      console.log(text);
      heard += 1;
      if (heard === 1) run(2, "rejects");
      else process.exit(0);
    }
  },
});
thread.post({ kind: "load", modules: [process.argv[2]], system: "default" });
`;

// In a process of its own, because the test runner takes such errors for its own.
test("errors that no turn takes are reported and do not end the thread", async () => {
  using folder = tempDir();
  const [program, module] = [join(folder.path, "program.ts"), join(folder.path, "stray.ts")];
  writeFileSync(program, PROGRAM);
  writeFileSync(module, MODULE);
  const child = Bun.spawn([process.execPath, program, module], { stdout: "pipe", timeout: 10_000 });
  expect(await new Response(child.stdout).text()).toBe("thrown by a timer\nrejected by nobody\n");
  expect(await child.exited).toBe(0);
});
