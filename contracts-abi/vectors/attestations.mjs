// Claims, their identities and their signatures, as viem computes them.
import {
  concat,
  domainSeparator,
  encodeAbiParameters,
  hashStruct,
  hashTypedData,
  keccak256,
  numberToHex,
  stringToBytes,
  zeroHash,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

const FIELDS = [
  ["policyId", "bytes32"],
  ["termsHash", "bytes32"],
  ["eventId", "bytes32"],
  ["consumer", "address"],
  ["verdict", "uint8"],
  ["payoutFraction", "uint64"],
  ["measuredValue", "int256"],
  ["occurredAt", "uint64"],
  ["confirmedAt", "uint64"],
  ["windowStart", "uint64"],
  ["windowEnd", "uint64"],
  ["sourceChainId", "uint64"],
  ["sourceBlock", "uint64"],
  ["sourceBlockHash", "bytes32"],
  ["evidenceRoot", "bytes32"],
  ["evidenceCount", "uint32"],
  ["issuedAt", "uint64"],
  ["validAfter", "uint64"],
  ["validUntil", "uint64"],
  ["signerEpoch", "uint32"],
  ["revision", "uint32"],
  ["supersedes", "bytes32"],
];
const PRIMARY_TYPE = "ClaimAttestation";
const TYPES = { [PRIMARY_TYPE]: FIELDS.map(([name, type]) => ({ name, type })) };
const TYPE_STRING = `${PRIMARY_TYPE}(${FIELDS.map(([name, type]) => `${type} ${name}`).join(",")})`;
export const DOMAIN_TYPES = {
  EIP712Domain: [
    { name: "name", type: "string" },
    { name: "version", type: "string" },
    { name: "chainId", type: "uint256" },
    { name: "verifyingContract", type: "address" },
  ],
};

const word = (text) => keccak256(stringToBytes(text));
const address = (text) => `0x${word(text).slice(-40)}`;

const VERIFIER = address("verifier");
const COVER = address("cover");
const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;
const I256_MIN = -(2n ** 255n);
const I256_MAX = 2n ** 255n - 1n;

// Keys of signers that guard nothing, in the order of their addresses, as an epoch lists them.
export const SIGNERS = ["a", "b", "c", "d", "e"]
  .map((name) => word(`tocsin vector signer ${name}`))
  .map((key) => ({ key, account: privateKeyToAccount(key) }))
  .sort((left, right) => (BigInt(left.account.address) < BigInt(right.account.address) ? -1 : 1));

// A depeg: below 0.995 for a day, a quarter of the sum insured.
const DEPEG = {
  domain: { name: "Tocsin", version: "1", chainId: 31337n, verifyingContract: VERIFIER },
  policy: { chainId: 31337n, contract: COVER, id: 1n },
  event: { subject: "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", ordinal: 1n },
  quorum: { threshold: 1, indices: [2] },
  claim: {
    termsHash: word("terms of the depeg cover"),
    consumer: COVER,
    verdict: 1n,
    payoutFraction: 250_000_000_000_000_000n,
    measuredValue: 880_000_000_000_000_000n,
    occurredAt: 1_678_500_000n,
    confirmedAt: 1_678_586_400n,
    windowStart: 1_678_000_000n,
    windowEnd: 1_709_000_000n,
    sourceChainId: 1n,
    sourceBlock: 16_803_000n,
    sourceBlockHash: word("block 16803000"),
    evidenceRoot: word("evidence of the depeg"),
    evidenceCount: 412n,
    issuedAt: 1_678_587_000n,
    validAfter: 1_678_587_000n,
    validUntil: 1_681_179_000n,
    signerEpoch: 1n,
    revision: 0n,
    supersedes: zeroHash,
  },
};

/** A case is the depeg with some parts replaced; `acceptedAt` is a time at which a verifier must accept it. */
export function variant(name, { domain, policy, event, quorum, claim, acceptedAt } = {}) {
  return {
    name,
    acceptedAt,
    domain: { ...DEPEG.domain, ...domain },
    policy: { ...DEPEG.policy, ...policy },
    event: event === null ? null : { ...DEPEG.event, ...event },
    quorum: { ...DEPEG.quorum, ...quorum },
    claim: { ...DEPEG.claim, ...claim },
  };
}

const NO_EVENT = { event: null };
const CASES = [
  variant("depeg, one signer", { acceptedAt: 1_678_588_000n }),
  variant("depeg, three of five signers", {
    acceptedAt: 1_681_179_000n,
    quorum: { threshold: 3, indices: [0, 2, 4] },
  }),
  variant("depeg, re-issued by a later epoch", {
    acceptedAt: 1_678_700_000n,
    quorum: { threshold: 4, indices: [0, 1, 3, 4] },
    claim: {
      issuedAt: 1_678_700_000n,
      validAfter: 1_678_700_000n,
      validUntil: 1_678_700_000n,
      signerEpoch: 2n,
      revision: 1n,
      supersedes: word("the attestation before"),
    },
  }),
  variant("flight, full payout, off-chain source", {
    acceptedAt: 1_357_200_000n,
    domain: { chainId: 1n },
    policy: { chainId: 1n, id: 2n ** 256n - 1n },
    event: { subject: "flight:UA1545/2013-01-01/EWR", ordinal: 2n ** 256n - 1n },
    claim: {
      payoutFraction: 1_000_000_000_000_000_000n,
      measuredValue: 10_800n * 10n ** 18n,
      occurredAt: 1_357_100_000n,
      confirmedAt: 1_357_100_000n,
      windowStart: 1_357_100_000n,
      windowEnd: 1_357_100_001n,
      sourceChainId: 0n,
      sourceBlock: 0n,
      sourceBlockHash: zeroHash,
      issuedAt: 1_357_200_000n,
      validAfter: 0n,
      validUntil: U64_MAX,
    },
  }),
  variant("zero payout still consumes, negative value, subject outside ASCII", {
    acceptedAt: 1_678_588_000n,
    event: { subject: "station:Þórshöfn", ordinal: 0n },
    claim: { payoutFraction: 0n, measuredValue: -1n },
  }),
  variant("every number at its maximum", {
    domain: { chainId: U64_MAX, verifyingContract: `0x${"ff".repeat(20)}` },
    policy: { chainId: U64_MAX, contract: `0x${"ff".repeat(20)}`, id: 2n ** 256n - 1n },
    claim: {
      termsHash: `0x${"ff".repeat(32)}`,
      consumer: `0x${"ff".repeat(20)}`,
      verdict: 255n,
      payoutFraction: U64_MAX,
      measuredValue: I256_MAX,
      occurredAt: U64_MAX,
      confirmedAt: U64_MAX,
      windowStart: U64_MAX,
      windowEnd: U64_MAX,
      sourceChainId: U64_MAX,
      sourceBlock: U64_MAX,
      sourceBlockHash: `0x${"ff".repeat(32)}`,
      evidenceRoot: `0x${"ff".repeat(32)}`,
      evidenceCount: U32_MAX,
      issuedAt: U64_MAX,
      validAfter: U64_MAX,
      validUntil: U64_MAX,
      signerEpoch: U32_MAX,
      revision: U32_MAX,
      supersedes: `0x${"ff".repeat(32)}`,
    },
  }),
  variant("not triggered, missing value", {
    ...NO_EVENT,
    acceptedAt: 1_709_000_100n,
    claim: {
      verdict: 2n,
      payoutFraction: 0n,
      measuredValue: I256_MIN,
      occurredAt: 0n,
      confirmedAt: 0n,
      issuedAt: 1_709_000_000n,
      validAfter: 1_709_000_000n,
      validUntil: 1_710_000_000n,
    },
  }),
  variant("inconclusive, all zero but the identities", {
    ...NO_EVENT,
    claim: {
      verdict: 3n,
      payoutFraction: 0n,
      measuredValue: 0n,
      occurredAt: 0n,
      confirmedAt: 0n,
      windowStart: 0n,
      windowEnd: 0n,
      sourceChainId: 0n,
      sourceBlock: 0n,
      sourceBlockHash: zeroHash,
      evidenceRoot: zeroHash,
      evidenceCount: 0n,
      issuedAt: 0n,
      validAfter: 0n,
      validUntil: 0n,
      signerEpoch: 0n,
    },
  }),
];

export async function attestationVectors() {
  return {
    about: "EIP-712 claim attestations computed by viem. The keys are public and guard nothing.",
    typeString: TYPE_STRING,
    typeHash: keccak256(stringToBytes(TYPE_STRING)),
    signers: SIGNERS.map(({ key, account }) => ({ key, address: account.address })),
    signerAddresses: SIGNERS.map(({ account }) => account.address),
    vectors: await Promise.all(CASES.map(vector)),
  };
}

export async function vector({ name, acceptedAt, domain, policy, event, quorum, claim }) {
  const policyId = abiHash(["uint256", "address", "uint256"], [policy.chainId, policy.contract, policy.id]);
  const eventId = event ? abiHash(["bytes32", "uint256"], [word(event.subject), event.ordinal]) : zeroHash;
  const given = { policyId, eventId, ...claim };
  const message = Object.fromEntries(FIELDS.map(([field]) => [field, given[field]]));
  const typedData = { domain, types: TYPES, primaryType: PRIMARY_TYPE, message };
  const digest = hashTypedData(typedData);
  const signatures = await Promise.all(quorum.indices.map((index) => SIGNERS[index].account.sign({ hash: digest })));

  return {
    name,
    // A verifier with these signers and this threshold must accept the statement at this time; null: at no time.
    acceptedAt: acceptedAt ?? null,
    domain,
    policy,
    event,
    attestation: message,
    policyId,
    eventId,
    domainSeparator: domainSeparator({ domain, types: DOMAIN_TYPES }),
    structHash: hashStruct({ data: message, types: TYPES, primaryType: PRIMARY_TYPE }),
    digest,
    claimKey: abiHash(
      ["address", "bytes32", "bytes32", "bytes32"],
      [message.consumer, policyId, message.termsHash, eventId],
    ),
    threshold: BigInt(quorum.threshold),
    signerIndices: quorum.indices.map(BigInt),
    signatures,
    packedSignatures: packed(quorum.indices, signatures),
  };
}

/** A bitmap of the signers' indices, then their signatures in that order. */
export function packed(indices, signatures) {
  const bitmap = indices.reduce((bits, index) => bits | (1n << BigInt(index)), 0n);
  return concat([numberToHex(bitmap, { size: 32 }), ...signatures]);
}

function abiHash(types, values) {
  return keccak256(encodeAbiParameters(types.map((type) => ({ type })), values));
}
