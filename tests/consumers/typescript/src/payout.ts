// The payout service: asks a node for attestations, verifies each, and pays each claim once.
//
//   fetch ──▶ verify ──▶ write down that it is owed ──▶ pay, with the claim key as idempotency key ──▶ write down that it is paid
//
// It can die between any two of these: what is owed and not known to be paid is paid again with the same key, and the bank
// pays a key once.

import { Refusal } from "./refusal.js";
import type { Authority } from "./registry.js";
import type { Book } from "./book.js";
import { type Owed, type Terms, verify } from "./verify.js";

/** Whoever moves the money. A payment with a key that was used before is no second payment. */
export interface Bank {
  pay(idempotencyKey: string, holder: string, amount: bigint): Promise<void>;
}

export type Outcome = { id: string; paid: Owed } | { id: string; known: true } | { id: string; refused: Refusal };

export class PayoutService {
  constructor(
    private readonly api: string,
    private readonly terms: Terms,
    private readonly registry: Authority,
    private readonly book: Book,
    private readonly bank: Bank,
  ) {}

  /** Goes on with what an earlier process left, then looks at everything that the node lists. */
  async run(): Promise<Outcome[]> {
    await this.registry.checkChain();
    for (const owed of this.book.open()) await this.pay(owed);
    const outcomes: Outcome[] = [];
    for (const id of await this.listed()) outcomes.push(await this.consider(id));
    return outcomes;
  }

  /** Fetches one attestation, and pays it if it has to be paid. A refusal is an outcome; any other trouble is thrown. */
  async consider(id: string): Promise<Outcome> {
    try {
      const owed = await verify(await this.fetch(`v1/attestations/${id}`), this.terms, this.registry);
      // Also a claim that was attested twice, alone and in a batch, or again under another epoch.
      if (!this.book.enter(owed)) return { id, known: true };
      await this.pay(owed);
      return { id, paid: owed };
    } catch (error) {
      if (error instanceof Refusal) return { id, refused: error };
      throw error;
    }
  }

  private async pay(owed: Owed): Promise<void> {
    await this.bank.pay(owed.claimKey, owed.holder, owed.amount);
    this.book.settle(owed);
  }

  private async listed(): Promise<string[]> {
    const { attestations } = (await this.fetch("v1/attestations")) as { attestations: { id: string }[] };
    return attestations.map(({ id }) => id);
  }

  private async fetch(path: string): Promise<unknown> {
    const answer = await fetch(new URL(path, this.api), {
      signal: AbortSignal.timeout(10_000),
      redirect: "error",
    });
    if (!answer.ok) throw new Error(`${path}: HTTP status ${answer.status}`);
    return answer.json();
  }
}
