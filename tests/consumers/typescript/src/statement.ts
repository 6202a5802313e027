// What the attestors sign, and the identities that follow from it.

import { type Address, type Hex, encodeAbiParameters, hashTypedData, keccak256 } from "viem";

import { Refusal } from "./refusal.js";
import { check } from "./schema.js";

/** The EIP-712 types. The order of the fields is part of what is signed. */
export const TYPES = {
  ClaimAttestation: [
    { name: "policyId", type: "bytes32" },
    { name: "termsHash", type: "bytes32" },
    { name: "eventId", type: "bytes32" },
    { name: "consumer", type: "address" },
    { name: "verdict", type: "uint8" },
    { name: "payoutFraction", type: "uint64" },
    { name: "measuredValue", type: "int256" },
    { name: "occurredAt", type: "uint64" },
    { name: "confirmedAt", type: "uint64" },
    { name: "windowStart", type: "uint64" },
    { name: "windowEnd", type: "uint64" },
    { name: "sourceChainId", type: "uint64" },
    { name: "sourceBlock", type: "uint64" },
    { name: "sourceBlockHash", type: "bytes32" },
    { name: "evidenceRoot", type: "bytes32" },
    { name: "evidenceCount", type: "uint32" },
    { name: "issuedAt", type: "uint64" },
    { name: "validAfter", type: "uint64" },
    { name: "validUntil", type: "uint64" },
    { name: "signerEpoch", type: "uint32" },
    { name: "revision", type: "uint32" },
    { name: "supersedes", type: "bytes32" },
  ],
  AttestationBatch: [
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint32" },
    { name: "issuedAt", type: "uint64" },
    { name: "signerEpoch", type: "uint32" },
  ],
} as const;

/** A claim, with its numbers as numbers. */
export interface Claim {
  policyId: Hex;
  termsHash: Hex;
  eventId: Hex;
  consumer: Address;
  verdict: number;
  payoutFraction: bigint;
  measuredValue: bigint;
  occurredAt: bigint;
  confirmedAt: bigint;
  windowStart: bigint;
  windowEnd: bigint;
  sourceChainId: bigint;
  sourceBlock: bigint;
  sourceBlockHash: Hex;
  evidenceRoot: Hex;
  evidenceCount: number;
  issuedAt: bigint;
  validAfter: bigint;
  validUntil: bigint;
  signerEpoch: number;
  revision: number;
  supersedes: Hex;
}

export interface Batch {
  root: Hex;
  count: number;
  issuedAt: bigint;
  signerEpoch: number;
}

/** What the API answers, once its form is checked. */
export interface Answer {
  id: Hex;
  claimKey: Hex;
  claim: Claim;
  signatures: Hex;
  batch: { id: Hex; signed: Batch; proof: Hex[] } | null;
}

/** For which verifier a statement is meant. */
export interface Domain {
  chainId: number;
  verifier: Address;
}

/** For which programme a statement is meant that no contract settles. No contract takes it, and no other programme. */
export interface Programme {
  programme: Hex;
}

const ranges: Record<string, [bigint, bigint]> = {
  uint8: [0n, 2n ** 8n],
  uint32: [0n, 2n ** 32n],
  uint64: [0n, 2n ** 64n],
  int256: [-(2n ** 255n), 2n ** 255n],
};

/** Reads the fields of a signed type; integers beyond their range, which no pattern of a schema can tell, are refused. */
function fields(type: keyof typeof TYPES, written: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    TYPES[type].map(({ name, type: kind }) => {
      const text = written[name] as string;
      const range = ranges[kind];
      if (range === undefined) return [name, text];
      const value = BigInt(text);
      if (value < range[0] || value >= range[1]) throw new Refusal("schema", `${name} is no ${kind}`);
      return [name, kind === "uint8" || kind === "uint32" ? Number(value) : value];
    }),
  );
}

/** Reads an answer of `GET /v1/attestations/{id}`. */
export function read(answer: unknown): Answer {
  check("attestation", answer);
  // The schema has just said that it is so.
  const written = answer as {
    id: Hex;
    claim_key: Hex;
    attestation: Record<string, string>;
    signatures: Hex;
    batch: null | { id: Hex; signed: Record<string, string>; proof: Hex[] };
  };
  const batch = written.batch;
  return {
    id: written.id,
    claimKey: written.claim_key,
    claim: fields("ClaimAttestation", written.attestation) as unknown as Claim,
    signatures: written.signatures,
    batch:
      batch === null
        ? null
        : {
            id: batch.id,
            signed: fields("AttestationBatch", batch.signed) as unknown as Batch,
            proof: batch.proof,
          },
  };
}

function eip712(domain: Domain | Programme) {
  if ("programme" in domain) return { name: "Tocsin Off-chain", version: "1", salt: domain.programme };
  return { name: "Tocsin", version: "1", chainId: domain.chainId, verifyingContract: domain.verifier };
}

/** The attestation id: the digest of the claim. */
export function attestationId(claim: Claim, domain: Domain | Programme): Hex {
  return hashTypedData({
    domain: eip712(domain),
    types: TYPES,
    primaryType: "ClaimAttestation",
    message: claim,
  });
}

/** The digest of a batch. */
export function batchId(batch: Batch, domain: Domain | Programme): Hex {
  return hashTypedData({
    domain: eip712(domain),
    types: TYPES,
    primaryType: "AttestationBatch",
    message: batch,
  });
}

/** The only key by which a claim is paid once: no time, epoch, revision or signature is in it. */
export function claimKey({ consumer, policyId, termsHash, eventId }: Claim): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "address" }, { type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }],
      [consumer, policyId, termsHash, eventId],
    ),
  );
}
