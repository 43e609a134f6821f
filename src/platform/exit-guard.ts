/**
 * While it is set, `process.exit` throws instead of ending the process, and `onCall` hears of it even
 * if the throw is swallowed. Used while foreign code starts. The returned function restores it.
 */
export function guardExit(onCall: (code: unknown) => void): () => void {
  const original = process.exit;
  let released = false;
  const refuse = (code?: number | string | null): never => {
    // Another guard may have kept this function and put it back after our release.
    if (released) return original(code);
    onCall(code);
    throw new Error("process.exit is not for plug-ins");
  };
  process.exit = refuse;
  return () => {
    released = true;
    if (process.exit === refuse) process.exit = original;
  };
}
