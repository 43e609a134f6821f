import { describeImportFailure } from "./import-failure.ts";

// Imports a foreign module away from the server's own thread: a module that never comes to an end
// can only be ended together with its thread. Answers once.
declare const self: Worker;

self.onmessage = async (event: MessageEvent<string>) => {
  try {
    await import(event.data);
    self.postMessage({ kind: "imported" });
  } catch (error) {
    self.postMessage({ kind: "failed", ...describeImportFailure(error) });
  }
};
