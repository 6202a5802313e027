// Who may sign for a programme that no contract settles, as this service has agreed with the attestors. Nobody else knows: the
// node lists its epochs at /v1/epochs, and is not believed about them. What was paid, the book knows.

import type { Authority, Epoch, Moment, Standing } from "./registry.js";

/** In the place of a verifier contract's registry. */
export class Agreed implements Authority {
  constructor(
    private readonly epochs: ReadonlyMap<number, Epoch>,
    private readonly clock: () => bigint = () => BigInt(Math.floor(Date.now() / 1_000)),
  ) {}

  /** There is none. */
  async checkChain(): Promise<void> {}

  async now(): Promise<Moment> {
    return { number: 0n, time: this.clock() };
  }

  async epoch(number: number): Promise<Epoch | null> {
    return this.epochs.get(number) ?? null;
  }

  /** Nobody stops a claim but this service. */
  async standing(): Promise<Standing> {
    return { consumed: false, held: false, minRevision: 0 };
  }

  /** Only a chain could ask a contract that has signed. */
  async verifies(): Promise<boolean> {
    return false;
  }
}
