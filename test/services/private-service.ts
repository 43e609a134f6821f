import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { waitUntil } from "../support/wait-until.ts";
import { answersHandshake } from "./handshake.ts";
import type { Recipe, ServiceKind } from "./service-kinds.ts";
import { endProgram, hasEnded, privateFolder, startProgram } from "./service-process.ts";

const READY_MS = 60_000;

/** One server of a test's own, on a port of its own, to be killed and started again over its data. */
export class PrivateService {
  readonly port: number;
  readonly folder: string;
  readonly url: string;
  readonly #kind: ServiceKind;
  readonly #recipe: Recipe;
  #running: readonly ChildProcess[] = [];

  private constructor(kind: ServiceKind, folder: string, port: number, recipe: Recipe) {
    this.#kind = kind;
    this.#recipe = recipe;
    this.folder = folder;
    this.port = port;
    this.url = recipe.url;
  }

  /** Starts one; `undefined` if it is not installed. */
  static async start(kind: ServiceKind): Promise<PrivateService | undefined> {
    const programs = kind.find();
    if (programs === undefined) return undefined;
    const [port, extraPort] = [await freePort(), await freePort()];
    const folder = privateFolder(kind);
    const recipe = kind.recipe(programs, folder, port, extraPort);
    const service = new PrivateService(kind, folder, port, recipe);
    try {
      for (const program of recipe.prepare) {
        const child = startProgram(program, service.#log);
        await waitUntil(`${program.path} ends`, () => hasEnded(child), READY_MS);
        if (child.exitCode !== 0) throw new Error(`${program.path} failed`);
      }
      await service.resume();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Starts it over its data, with further parameters for its last program; waits until it answers. */
  async resume(parameters: readonly string[] = []): Promise<void> {
    this.#running = this.#recipe.stay.map((program, index, { length }) =>
      startProgram(
        index === length - 1
          ? { ...program, parameters: [...program.parameters, ...parameters] }
          : program,
        this.#log,
      ),
    );
    await waitUntil(
      `${this.#kind.name} answers`,
      () => {
        if (this.#running.some(hasEnded)) throw new Error(`${this.#kind.name} ended`);
        return answersHandshake("127.0.0.1", this.port, this.#kind.handshake);
      },
      READY_MS,
    );
  }

  /** As `kill -9`, or another signal; with SIGKILL it has ended when this returns. */
  async signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    for (const child of this.#running) child.kill(signal);
    if (signal !== "SIGKILL") return;
    await waitUntil(`${this.#kind.name} is dead`, () => this.#running.every(hasEnded));
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    for (const child of [...this.#running].reverse()) await endProgram(child);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.folder, "service.log");
  }
}
