import process from "node:process";

/** One output of the process. */
export interface Output {
  /** People read it: it may have colours and lines that are drawn again. */
  readonly interactive: boolean;
  readonly paint: Paint;
  /** Nobody reads any more (`| head`): a long answer may end here. */
  readonly closed: boolean;
  write(content: string | Uint8Array): void;
  /** Resolves when everything written so far has left the process, or nobody reads it any more. */
  flushed(): Promise<void>;
}

/** Emphasis where it is wanted, else the text as it is. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
}

/** What a command reads from and writes to; the process in production, arrays in tests. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** All of standard input, up to `maxBytes`; rejects if there is more. */
  readInput(maxBytes: number): Promise<Uint8Array>;
  /** Standard input as it comes. */
  input(): AsyncIterable<Uint8Array>;
}

/** Colours are for terminals, and never where NO_COLOR (no-color.org) is set or TERM is dumb. */
export function makePaint(
  interactive: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const plain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  const code =
    (number: number) =>
    (text: string): string =>
      interactive && !plain ? `\u001b[${number}m${text}\u001b[0m` : text;
  return { bold: code(1), dim: code(2), red: code(31) };
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: outputOf(process.stdout),
    err: outputOf(process.stderr),
    environment: process.env,
    readInput,
    input: () => process.stdin as AsyncIterable<Buffer>,
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  const interactive = stream.isTTY === true;
  let closed = false;
  let last = Promise.resolve();
  stream.on("error", () => {
    closed = true;
  });
  return {
    interactive,
    paint: makePaint(interactive, process.env),
    get closed() {
      return closed;
    },
    write: (content) => {
      if (closed) return;
      // Only the callback of a write tells when its bytes are gone; they go in order.
      last = new Promise((resolve) => stream.write(content, () => resolve()));
    },
    flushed: () => last,
  };
}

async function readInput(maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`standard input has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
