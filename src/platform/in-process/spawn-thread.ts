import type { FrameFromThread, FrameToThread } from "./actor-frames.ts";

/** A thread that runs actors, whatever the runtime calls it. */
export interface Thread {
  post(frame: FrameToThread): void;
  /** Ends it at once, also in the middle of a loop. `ended` is not called any more. */
  terminate(): void;
}

/** What a thread tells its owner. */
export interface ThreadEvents {
  frame(frame: FrameFromThread): void;
  /** It ended by itself or broke; called at most once. */
  ended(reason: string): void;
}

/** Starts threads; another one in tests. */
export type SpawnThread = (events: ThreadEvents) => Thread;

/** A Web Worker, which Bun (from source and compiled) and Deno both have. */
export const spawnThread: SpawnThread = (events) => {
  const url = new URL("./actors.worker.ts", import.meta.url);
  const worker = new Worker(url.href, { type: "module" });
  let over = false;
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    worker.terminate();
    events.ended(reason);
  };
  worker.addEventListener("message", (event: MessageEvent<FrameFromThread>) => {
    if (over) return;
    try {
      events.frame(event.data);
    } catch (error) {
      end(`it sent what cannot be read: ${error instanceof Error ? error.message : "no error"}`);
    }
  });
  worker.addEventListener("error", ({ message }) => {
    const lines = message.split("\n");
    end(`it broke: ${lines.find((line) => line.startsWith("error:")) ?? lines[0]}`);
  });
  worker.addEventListener("messageerror", () => end("it sent what cannot be read"));
  worker.addEventListener("close", () => end("it ended"));
  return {
    post: (frame) => {
      if (!over) worker.postMessage(frame, frame.kind === "work" ? [frame.bytes] : []);
    },
    terminate: () => {
      over = true;
      worker.terminate();
    },
  };
};
