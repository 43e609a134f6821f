import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Which way bytes go: `up` to the server, `down` to the client. */
export type FlowDirection = "up" | "down";

/** One client's connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** What waits to be passed on, in order. */
  readonly held: Record<FlowDirection, Uint8Array[]>;
}

/**
 * Stands between a client and a server and does to their bytes what networks do: cuts, holds, refuses.
 * What it decides on is what it sees, so a test can act at a byte and not at a time.
 */
export class TcpFaultProxy implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  readonly #holding = { up: false, down: false };
  #server: Server | undefined;
  #port = 0;
  #isRefusing = false;
  #refused = 0;
  #watch: ((direction: FlowDirection, bytes: Uint8Array) => FaultAction) | undefined;
  #passed = { up: 0, down: 0 };

  private constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  /** Listens on a free port of the loopback, in front of `host:port`. */
  static async start(host: string, port: number): Promise<TcpFaultProxy> {
    const proxy = new TcpFaultProxy(host, port);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** `url` with this proxy's address in place of the server's. */
  urlOf(url: string): string {
    const through = new URL(url);
    through.hostname = "127.0.0.1";
    through.port = String(this.#port);
    return through.href;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** How many connections have been refused. */
  get refused(): number {
    return this.#refused;
  }

  /** How many bytes have been passed on each way. */
  get passed(): Readonly<Record<FlowDirection, number>> {
    return this.#passed;
  }

  /**
   * Asks `watch` about all bytes that arrive from now on: `pass` them on; `cut` the connection before
   * them; `cut-after` passing them on; `hold` them and what follows that way on this proxy.
   */
  watch(watch: (direction: FlowDirection, bytes: Uint8Array) => FaultAction): void {
    this.#watch = watch;
  }

  /** Passes everything on again, what was held first. */
  heal(): void {
    this.#watch = undefined;
    this.#isRefusing = false;
    this.release("up");
    this.release("down");
  }

  /** Keeps what comes that way, on all connections, until `release`. */
  hold(direction: FlowDirection): void {
    this.#holding[direction] = true;
  }

  release(direction: FlowDirection): void {
    this.#holding[direction] = false;
    for (const pair of this.#pairs) {
      for (const bytes of pair.held[direction].splice(0)) this.#pass(pair, direction, bytes);
    }
  }

  /** Breaks every connection that is open; new ones are welcome. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#break(pair);
  }

  /** Breaks every connection and each new one at once, as a server that is down. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const server = this.#server;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async #listen(): Promise<void> {
    const server = createServer((client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      this.#refused += 1;
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target);
    const pair: Pair = { client, server, held: { up: [], down: [] } };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#break(pair));
      socket.on("close", () => this.#break(pair));
    }
    client.on("data", (bytes: Uint8Array) => this.#arrived(pair, "up", bytes));
    server.on("data", (bytes: Uint8Array) => this.#arrived(pair, "down", bytes));
  }

  #arrived(pair: Pair, direction: FlowDirection, bytes: Uint8Array): void {
    const action = this.#watch?.(direction, bytes) ?? "pass";
    if (action === "cut") return this.#break(pair);
    if (action === "hold") this.hold(direction);
    if (this.#holding[direction]) {
      pair.held[direction].push(Uint8Array.from(bytes));
      return;
    }
    this.#pass(pair, direction, bytes);
    if (action === "cut-after") this.#endAfterwards(pair, direction);
  }

  #pass(pair: Pair, direction: FlowDirection, bytes: Uint8Array): void {
    this.#passed[direction] += bytes.length;
    (direction === "up" ? pair.server : pair.client).write(bytes);
  }

  /** The receiver gets what was passed on; the sender hears nothing any more. */
  #endAfterwards(pair: Pair, direction: FlowDirection): void {
    const [receiver, sender] =
      direction === "up" ? [pair.server, pair.client] : [pair.client, pair.server];
    this.#pairs.delete(pair);
    receiver.removeAllListeners("data");
    receiver.end();
    sender.destroy();
  }

  #break(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client.destroy();
    pair.server.destroy();
  }
}

/** What becomes of bytes that arrive. */
export type FaultAction = "pass" | "cut" | "cut-after" | "hold";
