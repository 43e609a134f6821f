import { makePaint, type Output, type Terminal } from "../../src/main/cli/terminal.ts";
import { runProgram } from "../../src/main/program.ts";

/** What a command wrote, and what it ended with. */
export interface Written {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
}

/** The world of one run. */
export interface ProgramRun {
  readonly interactive?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** Called while the command waits for its output to leave. */
  readonly flushed?: () => Promise<void>;
  /** Standard output is closed after so many writes. */
  readonly closedAfter?: number;
}

/** Runs the command line within this process, on arrays instead of a terminal. */
export async function runInProcess(
  parameters: readonly string[],
  run: ProgramRun = {},
): Promise<Written> {
  const { interactive = false, environment = {}, input = "", closedAfter = Infinity } = run;
  const { flushed = () => Promise.resolve() } = run;
  const written = { out: [] as Uint8Array[], err: [] as Uint8Array[] };
  const output = (name: "out" | "err"): Output => ({
    interactive,
    paint: makePaint(interactive, environment),
    get closed() {
      return name === "out" && written.out.length >= closedAfter;
    },
    write: (content) => {
      const bytes = typeof content === "string" ? Buffer.from(content) : Uint8Array.from(content);
      written[name].push(bytes);
    },
    flushed,
  });
  const chunks = typeof input === "function" ? input : () => once(input);
  const terminal: Terminal = {
    out: output("out"),
    err: output("err"),
    environment,
    readInput: async () => Buffer.concat(await Array.fromAsync(chunks())),
    input: chunks,
  };
  const code = await runProgram(parameters, terminal);
  const out = Buffer.concat(written.out);
  return { code, out: out.toString(), err: Buffer.concat(written.err).toString(), bytes: out };
}

async function* once(input: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof input === "string" ? Buffer.from(input) : input;
}
