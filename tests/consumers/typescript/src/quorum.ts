// The packed signatures of a quorum: exactly as many as the threshold, of different signers, in one encoding only.

import { type Address, type Hex, isAddressEqual, recoverAddress, size, slice } from "viem";

import { Refusal } from "./refusal.js";

/** The order of secp256k1, halved: of the two values of s that verify, only the lower one is a signature. */
const GREATEST_LOW_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const BITMAP_BYTES = 32;
const SIGNATURE_BYTES = 65;
const IS_MIXED = 1n << 255n;

/** Whether contracts are among those who signed. What they say, only their chain knows. */
export function hasContracts(packed: Hex): boolean {
  return BigInt(slice(packed, 0, BITMAP_BYTES)) >= IS_MIXED;
}

/** Refuses anything but the signatures of `threshold` of the signers over `digest`. */
export async function checkQuorum(
  packed: Hex,
  digest: Hex,
  threshold: number,
  signers: readonly Address[],
): Promise<void> {
  const bitmap = BigInt(slice(packed, 0, BITMAP_BYTES));
  if (bitmap >> BigInt(signers.length) !== 0n) throw new Refusal("signatures", "a signer that does not exist");
  const indices = signers.map((_, index) => index).filter((index) => (bitmap >> BigInt(index)) & 1n);
  if (threshold < 1 || indices.length !== threshold) {
    throw new Refusal("signatures", `${indices.length} signers, not ${threshold}`);
  }
  if (size(packed) !== BITMAP_BYTES + threshold * SIGNATURE_BYTES) {
    throw new Refusal("signatures", "bytes are missing or left over");
  }
  for (const [place, index] of indices.entries()) {
    const from = BITMAP_BYTES + place * SIGNATURE_BYTES;
    const signature = slice(packed, from, from + SIGNATURE_BYTES);
    const v = Number(slice(signature, 64));
    if (v !== 27 && v !== 28) throw new Refusal("signatures", `v is ${v}`);
    if (BigInt(slice(signature, 32, 64)) > GREATEST_LOW_S) throw new Refusal("signatures", "s is high");
    const signer = signers[index] as Address;
    let recovered: Address;
    try {
      recovered = await recoverAddress({ hash: digest, signature });
    } catch {
      throw new Refusal("signatures", `signature ${index} is no point of the curve`);
    }
    if (!isAddressEqual(recovered, signer)) {
      throw new Refusal("signatures", `signature ${index} is by ${recovered}, not ${signer}`);
    }
  }
}
