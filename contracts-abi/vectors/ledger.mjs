// What ends a claim, and how attestors that are contracts sign: digests and signatures by viem.
import { concat, domainSeparator, hashStruct, hashTypedData, keccak256, numberToHex, size, stringToBytes, zeroHash } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { DOMAIN_TYPES, SIGNERS, packed } from "./attestations.mjs";

const word = (text) => keccak256(stringToBytes(text));
const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;

const TYPES = {
  Revocation: [
    ["claimKey", "bytes32"],
    ["minRevision", "uint32"],
    ["reason", "bytes32"],
    ["issuedAt", "uint64"],
    ["signerEpoch", "uint32"],
  ],
  HoldRelease: [
    ["claimKey", "bytes32"],
    ["hold", "uint32"],
    ["issuedAt", "uint64"],
    ["signerEpoch", "uint32"],
  ],
  AttestorVote: [
    ["digest", "bytes32"],
    ["attestor", "address"],
  ],
};
const TYPE_STRINGS = Object.fromEntries(
  Object.entries(TYPES).map(([name, fields]) => [name, `${name}(${fields.map(([f, t]) => `${t} ${f}`).join(",")})`]),
);
const DOMAIN = {
  name: "Tocsin",
  version: "1",
  chainId: 31337n,
  verifyingContract: `0x${word("verifier").slice(-40)}`,
};
const KEY = word("a claim key");
const THRESHOLD = 3;

// A wallet among the signers: the address is made up, its vote is by a key of its own, as its code might demand.
const WALLET = `0x${word("a wallet that attests").slice(-40)}`;
const WALLET_KEY = privateKeyToAccount(word("tocsin vector wallet key"));
const MIXED = [
  ...SIGNERS.map(({ account }) => ({ address: account.address.toLowerCase(), account })),
  { address: WALLET, account: undefined },
].sort((left, right) => (BigInt(left.address) < BigInt(right.address) ? -1 : 1));
const WALLET_INDEX = MIXED.findIndex(({ address }) => address === WALLET);

const STATEMENTS = [
  ["Revocation", { claimKey: KEY, minRevision: 1n, reason: word("the feed was wrong"), issuedAt: 1_678_590_000n, signerEpoch: 1n }],
  ["Revocation", { claimKey: zeroHash, minRevision: U32_MAX, reason: zeroHash, issuedAt: U64_MAX, signerEpoch: U32_MAX }],
  ["HoldRelease", { claimKey: KEY, hold: 1n, issuedAt: 1_678_590_000n, signerEpoch: 1n }],
  ["HoldRelease", { claimKey: `0x${"ff".repeat(32)}`, hold: U32_MAX, issuedAt: U64_MAX, signerEpoch: U32_MAX }],
];

export async function ledgerVectors() {
  return {
    about: "EIP-712 revocations, releases of holds and votes of contracts computed by viem. The keys guard nothing.",
    typeStrings: TYPE_STRINGS,
    typeHashes: Object.fromEntries(Object.entries(TYPE_STRINGS).map(([name, text]) => [name, keccak256(stringToBytes(text))])),
    domain: DOMAIN,
    domainSeparator: domainSeparator({ domain: DOMAIN, types: DOMAIN_TYPES }),
    signerAddresses: SIGNERS.map(({ account }) => account.address),
    threshold: BigInt(THRESHOLD),
    statements: await Promise.all(STATEMENTS.map(([type, message]) => statement(type, message))),
    mixed: await mixed(),
  };
}

async function statement(type, message) {
  const digest = digestOf(type, message);
  const indices = [0, 2, 4];
  const signatures = await Promise.all(indices.map((index) => SIGNERS[index].account.sign({ hash: digest })));
  const types = typesOf(type);
  return {
    type,
    message,
    structHash: hashStruct({ data: message, types, primaryType: type }),
    digest,
    packedSignatures: packed(indices, signatures),
  };
}

/** Two keys and the wallet sign the first statement. */
async function mixed() {
  const digest = digestOf(...STATEMENTS[0]);
  const attestor = WALLET;
  const voteDigest = digestOf("AttestorVote", { digest, attestor });
  const vote = await WALLET_KEY.sign({ hash: voteDigest });
  const keys = MIXED.map((_, index) => index).filter((index) => index !== WALLET_INDEX).slice(0, THRESHOLD - 1);
  const indices = [...keys, WALLET_INDEX].sort((left, right) => left - right);
  const parts = await Promise.all(
    indices.map(async (index) =>
      index === WALLET_INDEX
        ? concat([numberToHex(size(vote), { size: 2 }), vote])
        : MIXED[index].account.sign({ hash: digest }),
    ),
  );
  const bits = indices.reduce((all, index) => all | (1n << BigInt(index)), 1n << 255n);
  const contracts = 1n << BigInt(WALLET_INDEX);
  return {
    digest,
    attestor,
    voteKey: WALLET_KEY.address,
    voteDigest,
    vote,
    signerAddresses: MIXED.map(({ address }) => address),
    contractSigners: contracts,
    signerIndices: indices.map(BigInt),
    packedSignatures: concat([numberToHex(bits, { size: 32 }), numberToHex(contracts, { size: 32 }), ...parts]),
  };
}

function digestOf(primaryType, message) {
  return hashTypedData({ domain: DOMAIN, types: typesOf(primaryType), primaryType, message });
}

function typesOf(name) {
  return { [name]: TYPES[name].map(([field, type]) => ({ name: field, type })) };
}
