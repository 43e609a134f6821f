/** Counts connections, in all and by address. */
export class ConnectionCap {
  readonly #most: number;
  readonly #mostPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostPerAddress: number) {
    this.#most = most;
    this.#mostPerAddress = mostPerAddress;
  }

  get all(): number {
    return this.#all;
  }

  /** False, and nothing counted, if a cap is reached. Every `true` needs one `leave`. */
  enter(address: string): boolean {
    const here = this.#byAddress.get(address) ?? 0;
    if (this.#all >= this.#most || here >= this.#mostPerAddress) return false;
    this.#all += 1;
    this.#byAddress.set(address, here + 1);
    return true;
  }

  leave(address: string): void {
    this.#all -= 1;
    const here = (this.#byAddress.get(address) ?? 1) - 1;
    if (here === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, here);
  }
}
