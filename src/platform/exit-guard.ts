/**
 * While it is set, `process.exit` throws instead of ending the process, and `onCall` hears of it even
 * if the throw is swallowed. Used while foreign code starts. The returned function restores it.
 */
export function guardExit(onCall: (code: unknown) => void): () => void {
  const original = process.exit;
  const refuse = (code?: unknown): never => {
    onCall(code);
    throw new Error("process.exit is not for plug-ins");
  };
  process.exit = refuse;
  return () => {
    if (process.exit === refuse) process.exit = original;
  };
}
