import { afterEach } from "bun:test";
import { type ClientHttp2Session, connect } from "node:http2";
import type { HttpHandler } from "../../src/node/ports.ts";
import { type Fixture, startListener } from "./listener-fixture.ts";

/** One listener and one HTTP/2 client at a time, both ended after each test of the file that asks. */
export class ListenerInTest {
  #fixture: Fixture | undefined;
  #session: ClientHttp2Session | undefined;

  constructor() {
    afterEach(async () => {
      this.leave();
      await this.#fixture?.listener.close();
      this.#fixture = undefined;
    });
  }

  readonly start = async (handler: Partial<HttpHandler> = {}, limits = {}): Promise<Fixture> => {
    this.#fixture = await startListener(handler, limits);
    return this.#fixture;
  };

  readonly client = (url: string): ClientHttp2Session => {
    this.#session = connect(url);
    this.#session.on("error", () => {});
    return this.#session;
  };

  /** Ends the client's connection. */
  readonly leave = (): void => {
    this.#session?.destroy();
    this.#session = undefined;
  };
}
