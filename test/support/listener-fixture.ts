import { connect, type Socket } from "node:net";
import type {
  HttpHandler,
  HttpRequest,
  HttpResponse,
  Listener,
  ListenerLimits,
  ListenOptions,
} from "../../src/node/ports.ts";
import { listen } from "../../src/platform/http/listen.ts";
import { waitUntil } from "./wait-until.ts";

/** Limits of the tests: those of a server, with the bounds of this machine. */
export const testLimits: ListenerLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 10_000,
  maxConcurrentStreams: 100,
  maxHeaderBytes: 16 * 1024,
  maxHeaderCount: 100,
  maxMessageBytes: 4 * 1024 * 1024,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  writeStallMs: 30_000,
};

/** Answers what it is sent; bodies up to `maxMessageBytes`. */
export function echo(request: HttpRequest, response: HttpResponse): void {
  request.readBody(testLimits.maxMessageBytes, (failure, body) => {
    if (failure === "too_large") response.send(413, {}, "");
    else if (failure === "timeout") response.send(408, {}, "");
    else if (failure === undefined) response.send(200, { "content-type": "x/echo" }, body);
  });
}

export interface Fixture {
  readonly listener: Listener;
  readonly rejected: string[];
  readonly url: string;
}

/** A listener on a free port of the loopback; the caller closes it. */
export async function startListener(
  handler: Partial<HttpHandler> = {},
  limits: Partial<ListenerLimits> = {},
  options: Partial<ListenOptions> = {},
): Promise<Fixture> {
  const rejected: string[] = [];
  const listener = await listen(
    {
      host: "127.0.0.1",
      port: 0,
      limits: { ...testLimits, ...limits },
      rejected: (reason) => rejected.push(reason),
      ...options,
    },
    {
      request: echo,
      upgrade: () => ({ kind: "refuse", status: 404, message: "no such socket" }),
      ...handler,
    },
  );
  const scheme = options.tls === undefined ? "http" : "https";
  return { listener, rejected, url: `${scheme}://127.0.0.1:${listener.port}` };
}

/** Waits until `condition` holds; rejects after `deadlineMs`. */
export async function until(condition: () => boolean, deadlineMs = 5000): Promise<void> {
  await waitUntil(String(condition), condition, deadlineMs);
}

/** A raw connection that remembers what it received. */
export class RawClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  closed = false;

  constructor(port: number, reading = true) {
    this.socket = connect(port, "127.0.0.1");
    if (reading) {
      this.socket.on("data", (chunk: Buffer) => {
        this.received = Buffer.concat([this.received, chunk]);
      });
    } else {
      this.socket.pause();
    }
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  /** Resolves with the next bytes that come, or when the connection is closed. */
  heard(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off("data", done);
        this.socket.off("close", done);
        resolve();
      };
      this.socket.on("data", done);
      this.socket.on("close", done);
    });
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** The statuses of all answers so far, in order. */
  get statuses(): string[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1] ?? "");
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return this;
  }
}

/** Frame types of RFC 9113, section 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** POST / http with authority "a", from the static table of HPACK. */
export const postBlock = Buffer.from([0x83, 0x86, 0x84, 0x41, 0x01, 0x61]);

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A raw HTTP/2 connection: the preface is sent, frames are counted as they come. */
export class RawHttp2Client extends RawClient {
  constructor(port: number, reading = true) {
    super(port, reading);
    this.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    this.write(frame(frameTypes.settings, 0, 0));
  }

  /** Every whole frame received: type, flags, stream and payload. */
  *frames(): Iterable<{ type: number; flags: number; streamId: number; payload: Buffer }> {
    const bytes = this.received;
    for (let at = 0; at + 9 <= bytes.length; ) {
      const length = bytes.readUIntBE(at, 3);
      if (at + 9 + length > bytes.length) return;
      yield {
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        streamId: bytes.readUInt32BE(at + 5),
        payload: bytes.subarray(at + 9, at + 9 + length),
      };
      at += 9 + length;
    }
  }

  count(type: number): number {
    let count = 0;
    for (const one of this.frames()) if (one.type === type) count += 1;
    return count;
  }

  /** Writes `make(i)` for i < `most` until it is cut off; answers how many were written. */
  async flood(most: number, make: (i: number) => Uint8Array): Promise<number> {
    const batch = 500;
    let sent = 0;
    while (sent < most && !this.closed) {
      const frames: Uint8Array[] = [];
      for (let i = 0; i < batch && sent < most; i++) frames.push(make(sent++));
      const room = this.socket.write(Buffer.concat(frames));
      if (room) await new Promise<void>((resolve) => setImmediate(resolve));
      else await until(() => this.closed || this.socket.writableLength === 0);
    }
    return sent;
  }
}
