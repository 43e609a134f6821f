import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { Recipe, ServiceKind } from "./service-kinds.ts";
import { privateFolder, startProgram } from "./services.ts";

const READY_MS = 60_000;
const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** A server of a test's own, which it may kill and start again over the same data. */
export class PrivateServer implements AsyncDisposable {
  readonly url: string;
  readonly #recipe: Recipe;
  readonly #folder: string;
  readonly #log: string;
  #processes: ChildProcess[] = [];

  private constructor(recipe: Recipe, folder: string) {
    this.url = recipe.url;
    this.#recipe = recipe;
    this.#folder = folder;
    this.#log = join(folder, "service.log");
  }

  /** Makes the data and starts the server; `answers` says that it takes queries. */
  static async start(
    kind: ServiceKind,
    answers: (url: string) => Promise<boolean>,
  ): Promise<PrivateServer> {
    const programs = kind.find();
    if (programs === undefined) throw new Error(`${kind.name} is not installed`);
    const folder = privateFolder(kind);
    const recipe = kind.recipe(programs, folder, await freePort(), await freePort());
    const server = new PrivateServer(recipe, folder);
    try {
      for (const program of recipe.prepare) {
        const child = startProgram(program, server.#log);
        await waitUntil(`${program.path} ends`, () => hasEnded(child), READY_MS);
        if (child.exitCode !== 0) throw new Error(`${program.path} failed: ${server.log}`);
      }
      await server.restart(answers);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The last of what the server has written. */
  get log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8").slice(-2_000) : "";
  }

  get folder(): string {
    return this.#folder;
  }

  get pid(): number {
    return this.#processes.at(-1)?.pid ?? 0;
  }

  /** Ends the server with no chance to say or write anything. */
  async kill9(): Promise<void> {
    for (const child of this.#processes) child.kill("SIGKILL");
    await waitUntil("the server ends", () => this.#processes.every(hasEnded), READY_MS);
  }

  /** Stops the server where it stands, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const child of this.#processes) child.kill(signal);
  }

  /**
   * Starts the server over the data that are there, its last program with further `parameters`;
   * resolves as soon as it takes queries. A server that ends at once is started again: what its
   * killed processes held may not be free yet.
   */
  async restart(
    answers: (url: string) => Promise<boolean>,
    parameters: readonly string[] = [],
  ): Promise<void> {
    await waitUntil(
      "the server takes queries",
      () => {
        if (this.#processes.length === 0 || this.#processes.some(hasEnded)) {
          const last = this.#recipe.stay.length - 1;
          this.#processes = this.#recipe.stay.map((program, index) => {
            const more = index === last ? parameters : [];
            const all = { ...program, parameters: [...program.parameters, ...more] };
            return startProgram(all, this.#log);
          });
        }
        return answers(this.url);
      },
      READY_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
