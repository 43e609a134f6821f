/** Starts `echo-server.ts`, from source or from a compiled binary, and asks it for its usage. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly connections: number;
}

export interface ServerProcess {
  readonly port: number;
  usage(): Promise<Usage>;
  stop(): void;
}

/** `binary`: a compiled `echo-server.ts`; without it the source runs on the runtime of this process. */
export function startServer(kind: "listen" | "bun", binary?: string): Promise<ServerProcess> {
  const source = fileURLToPath(new URL("./echo-server.ts", import.meta.url));
  const child: ChildProcess =
    binary === undefined
      ? spawn(process.execPath, [source, kind], { stdio: ["ignore", "pipe", "inherit"] })
      : spawn(binary, [kind], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout?.once("data", (text: Buffer) => {
      const port = Number(text.toString());
      resolve({
        port,
        usage: async () => (await fetch(`http://127.0.0.1:${port}/usage`)).json() as Promise<Usage>,
        stop: () => void child.kill(),
      });
    });
  });
}
