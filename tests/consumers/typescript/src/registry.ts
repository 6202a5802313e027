// What the verifier contract knows: who may sign, and what became of each claim. It is the only place that is believed
// about either; the node that serves attestations is not.

import { readFileSync } from "node:fs";

import { type Abi, type Address, type Hex, type PublicClient, createPublicClient, http } from "viem";

import type { Answer, Domain } from "./statement.js";

const ABI_FILE = new URL("../../../../../contracts-abi/abi/TocsinVerifier.json", import.meta.url);
const abi = (JSON.parse(readFileSync(ABI_FILE, "utf8")) as { abi: Abi }).abi;

export interface Epoch {
  activeFrom: bigint;
  signUntil: bigint;
  acceptUntil: bigint;
  threshold: number;
  signers: readonly Address[];
  contractSigners: bigint;
  revoked: boolean;
}

export interface Standing {
  consumed: boolean;
  held: boolean;
  minRevision: number;
}

/** A block, at which everything about one attestation is read. */
export interface Moment {
  number: bigint;
  time: bigint;
}

/** Whoever is believed about signers and claims: the verifier contract, or for a programme off-chain what was agreed. */
export type Authority = Pick<Registry, "checkChain" | "now" | "epoch" | "standing" | "verifies">;

export class Registry {
  readonly domain: Domain;
  private readonly client: PublicClient;

  constructor(rpc: string, domain: Domain) {
    this.domain = domain;
    this.client = createPublicClient({ transport: http(rpc, { retryCount: 2 }) });
  }

  /** Refuses to work on another chain than the one that was agreed. */
  async checkChain(): Promise<void> {
    const found = await this.client.getChainId();
    if (found !== this.domain.chainId) throw new Error(`the endpoint serves chain ${found}`);
  }

  /** The newest block. A revocation counts as soon as it is in a block at all: it errs on the side of not paying. */
  async now(): Promise<Moment> {
    const { number, timestamp } = await this.client.getBlock();
    return { number, time: timestamp };
  }

  /** Who may sign in an epoch; `null` where there is no such epoch. */
  async epoch(number: number, at: Moment): Promise<Epoch | null> {
    try {
      return (await this.ask("epoch", [number], at)) as Epoch;
    } catch (error) {
      if (String(error).includes("UnknownEpoch")) return null;
      throw error;
    }
  }

  async standing(claimKey: Hex, at: Moment): Promise<Standing> {
    return (await this.ask("claimStatus", [claimKey], at)) as Standing;
  }

  /** Asks the contract itself for its verdict. Needed where contracts are among the signers; a second opinion otherwise. */
  async verifies(answer: Answer, at: Moment): Promise<boolean> {
    const { claim, batch, signatures } = answer;
    try {
      if (batch === null) await this.ask("verify", [claim, signatures], at);
      else await this.ask("verifyBatched", [claim, batch.signed, batch.proof, signatures], at);
      return true;
    } catch (error) {
      if ((error as { name?: string }).name === "ContractFunctionExecutionError" && isRevert(error)) return false;
      throw error;
    }
  }

  private ask(functionName: string, args: readonly unknown[], at: Moment): Promise<unknown> {
    return this.client.readContract({
      address: this.domain.verifier,
      abi,
      functionName,
      args,
      blockNumber: at.number,
    });
  }
}

/** A revert is an answer; that the endpoint did not answer is none. */
function isRevert(error: unknown): boolean {
  const walked = error as { walk?: (match: (error: unknown) => boolean) => unknown };
  const reverted = walked.walk?.((cause) => (cause as { name?: string }).name === "ContractFunctionRevertedError");
  return reverted !== null && reverted !== undefined;
}
