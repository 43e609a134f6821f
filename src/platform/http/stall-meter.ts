/** Notices a peer that takes nothing although bytes are waiting for it. */
export class StallMeter {
  readonly #limitTicks: number;
  #pendingBytes = 0;
  #ticks = 0;

  constructor(limitTicks: number) {
    this.#limitTicks = limitTicks;
  }

  /** The peer has taken something. */
  progress(): void {
    this.#ticks = 0;
  }

  /** Called at every tick with what is still waiting; true when nothing moved for too long. */
  tick(pendingBytes: number): boolean {
    const moved = pendingBytes === 0 || pendingBytes < this.#pendingBytes;
    this.#pendingBytes = pendingBytes;
    this.#ticks = moved ? 0 : this.#ticks + 1;
    return this.#ticks > this.#limitTicks;
  }
}
