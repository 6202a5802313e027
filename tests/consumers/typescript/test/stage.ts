// The running node and chain that the tests are tried on; `cargo xtask consumers` sets them up.

import { appendFileSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Hex } from "viem";

import type { Bank } from "../src/payout.js";
import { type Moment, Registry } from "../src/registry.js";
import type { Domain } from "../src/statement.js";
import type { Policy, Terms } from "../src/verify.js";

interface Described {
  api: string;
  rpc: string;
  chain_id: number;
  verifier: Hex;
  consumer: Hex;
  policies: { policy: string; terms_hash: string; holder: string; sum_insured: string }[];
  attestations: string[];
  revoked: string;
  held: string;
  eas: { address: string; version: string };
  attestor_key: Hex;
  signed: { api: string; hmac_key: string; hmac_secret: string; ed25519_key: string; ed25519_seed: string };
}

const path = process.env["TOCSIN_STAGE"];
if (path === undefined) throw new Error("TOCSIN_STAGE names no file: run `cargo xtask consumers`");
export const stage = JSON.parse(readFileSync(path, "utf8")) as Described;

export const domain: Domain = { chainId: stage.chain_id, verifier: stage.verifier };

const sold = new Map<string, Policy>(
  stage.policies.map((sold) => [
    sold.policy,
    { policy: sold.policy, termsHash: sold.terms_hash, holder: sold.holder, sumInsured: BigInt(sold.sum_insured) },
  ]),
);
export const terms: Terms = { domain, consumer: stage.consumer, policy: (id) => sold.get(id) };

export const registry = new Registry(stage.rpc, domain);

/** The same chain, seen at another time. */
export class ShiftedRegistry extends Registry {
  constructor(private readonly seconds: bigint) {
    super(stage.rpc, domain);
  }

  override async now(): Promise<Moment> {
    const { number, time } = await super.now();
    return { number, time: time + this.seconds };
  }
}

export function folder(): string {
  return mkdtempSync(join(tmpdir(), "tocsin-payout-"));
}

/** A bank that keeps its word about idempotency keys, in a file, and can break off after it has paid. */
export class FileBank implements Bank {
  breaksOff = false;
  private readonly path = join(folder(), "payments");

  async pay(key: string, holder: string, amount: bigint): Promise<void> {
    if (!this.payments().some((payment) => payment.key === key)) {
      appendFileSync(this.path, `${JSON.stringify({ key, holder, amount: amount.toString() })}\n`);
    }
    if (this.breaksOff) throw new Error("the line to the bank is dead");
  }

  payments(): { key: string; holder: string; amount: string }[] {
    try {
      const lines = readFileSync(this.path, "utf8").split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

// A test takes an answer apart as it likes.
export type Loose = any;

/** Answers as the node gives them. */
export async function answers(): Promise<Loose[]> {
  const found: Loose[] = [];
  for (const id of stage.attestations) found.push(await get(`v1/attestations/${id}`));
  return found;
}

export async function get(path: string): Promise<Loose> {
  const answer = await fetch(new URL(path, stage.api));
  if (!answer.ok) throw new Error(`${path}: HTTP status ${answer.status}`);
  return answer.json();
}

/** One that was signed alone, and one of a batch; neither is stopped. */
export async function samples(): Promise<{ single: Loose; batched: Loose }> {
  const all = await answers();
  const good = all.filter(({ policy }) => policy !== stage.revoked && policy !== stage.held);
  return { single: good.find(({ batch }) => batch === null), batched: good.find(({ batch }) => batch !== null) };
}
