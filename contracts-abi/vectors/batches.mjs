// Batches of attestations under one signature: trees by OpenZeppelin's merkle-tree, digests and signatures by viem.
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { domainSeparator, hashStruct, hashTypedData, keccak256, stringToBytes } from "viem";
import { DOMAIN_TYPES, SIGNERS, packed, variant, vector } from "./attestations.mjs";

const PRIMARY_TYPE = "AttestationBatch";
const FIELDS = [
  ["root", "bytes32"],
  ["count", "uint32"],
  ["issuedAt", "uint64"],
  ["signerEpoch", "uint32"],
];
const TYPES = { [PRIMARY_TYPE]: FIELDS.map(([name, type]) => ({ name, type })) };
const TYPE_STRING = `${PRIMARY_TYPE}(${FIELDS.map(([name, type]) => `${type} ${name}`).join(",")})`;
const SIZES = [1, 2, 3, 5, 8];
const ISSUED_AT = 1_678_587_060n;
const QUORUM = { threshold: 3, indices: [0, 2, 4] };

export async function batchVectors() {
  const vectors = [];
  for (const size of SIZES) vectors.push(await batch(size));
  return {
    about: "EIP-712 batches of claim attestations computed by viem and @openzeppelin/merkle-tree. The keys guard nothing.",
    typeString: TYPE_STRING,
    typeHash: keccak256(stringToBytes(TYPE_STRING)),
    signerAddresses: SIGNERS.map(({ account }) => account.address),
    vectors,
  };
}

async function batch(size) {
  const policies = Array.from({ length: size }, (_, index) => BigInt(1000 * size + index));
  const claims = await Promise.all(
    policies.map((id) => vector(variant(`policy ${id}`, { policy: { id }, quorum: QUORUM }))),
  );
  const tree = StandardMerkleTree.of(
    claims.map(({ digest }) => [digest]),
    ["bytes32"],
  );
  const message = { root: tree.root, count: BigInt(size), issuedAt: ISSUED_AT, signerEpoch: 1n };
  const domain = claims[0].domain;
  const digest = hashTypedData({ domain, types: TYPES, primaryType: PRIMARY_TYPE, message });
  const signatures = await Promise.all(QUORUM.indices.map((index) => SIGNERS[index].account.sign({ hash: digest })));
  return {
    name: `${size} of one storm`,
    acceptedAt: ISSUED_AT,
    domain,
    domainSeparator: domainSeparator({ domain, types: DOMAIN_TYPES }),
    batch: message,
    structHash: hashStruct({ data: message, types: TYPES, primaryType: PRIMARY_TYPE }),
    digest,
    threshold: BigInt(QUORUM.threshold),
    packedSignatures: packed(QUORUM.indices, signatures),
    claims: claims.map((claim, index) => ({
      attestation: claim.attestation,
      digest: claim.digest,
      claimKey: claim.claimKey,
      leaf: tree.leafHash([claim.digest]),
      proof: tree.getProof(index),
    })),
  };
}
