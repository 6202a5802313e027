// The mirror for readers of the Ethereum Attestation Service. It pays nothing; it shows the same statement to them.

import { createRequire } from "node:module";

import type { SignedOffchainAttestation } from "@ethereum-attestation-service/eas-sdk";

import { Refusal } from "./refusal.js";
import { check } from "./schema.js";

// The SDK's ECMAScript modules import names that lodash does not export; its CommonJS modules work.
const { Offchain, OffchainAttestationVersion } = createRequire(import.meta.url)(
  "@ethereum-attestation-service/eas-sdk",
) as typeof import("@ethereum-attestation-service/eas-sdk");

/** The service's contract, for whose domain mirrors are signed. Agreed on, never taken from a mirror. */
export interface Eas {
  address: string;
  version: string;
  chainId: bigint;
}

/** Refuses a mirror that is of another contract, is not signed by whom it names, or by nobody that may sign. */
export function checkMirror(mirror: unknown, eas: Eas, signers: readonly string[]): void {
  check("eas-mirror", mirror);
  const { signer, sig } = mirror as { signer: string; sig: SignedOffchainAttestation };
  const known = signers.some((known) => known.toLowerCase() === signer.toLowerCase());
  if (!known) throw new Refusal("signatures", `${signer} is no attestor`);
  const { verifyingContract, version, chainId } = sig.domain;
  // The SDK does not compare all of it.
  const same =
    verifyingContract.toLowerCase() === eas.address.toLowerCase() &&
    version === eas.version &&
    BigInt(chainId) === eas.chainId;
  if (!same) throw new Refusal("digest", "it is of another contract");
  const reader = new Offchain(
    // The SDK compares texts: the same address in another spelling would be another contract to it.
    { ...eas, address: verifyingContract },
    OffchainAttestationVersion.Version2,
    // Reading asks no contract.
    undefined as never,
  );
  if (!isSigned(reader, signer, sig)) throw new Refusal("signatures", "the EAS SDK refuses the mirror");
}

/** The SDK says no in two ways: it answers so, and it throws. */
function isSigned(reader: InstanceType<typeof Offchain>, signer: string, sig: SignedOffchainAttestation): boolean {
  try {
    return reader.verifyOffchainAttestationSignature(signer, sig);
  } catch {
    return false;
  }
}
