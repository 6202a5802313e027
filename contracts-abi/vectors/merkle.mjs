// Evidence trees, as OpenZeppelin's StandardMerkleTree builds them.
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { keccak256, stringToBytes, zeroHash } from "viem";

/** index, source, subject, metric, value, observedAt, sequence, chainId, block, blockHash, rawHash */
export const LEAF = [
  "uint32",
  "bytes32",
  "bytes32",
  "bytes32",
  "int256",
  "uint64",
  "uint256",
  "uint64",
  "uint64",
  "bytes32",
  "bytes32",
];
const SIZES = [1, 2, 3, 5, 8, 33];
/** Trees of other shapes: what the library's own documentation begins with, many ids, and equal leaves. */
const DUMPS = [
  [
    "the first example of its documentation",
    [
      ["0x1111111111111111111111111111111111111111", "5000000000000000000"],
      ["0x2222222222222222222222222222222222222222", "2500000000000000000"],
    ],
    ["address", "uint256"],
  ],
  ["301 ids", Array.from({ length: 301 }, (_, index) => [keccak256(stringToBytes(`id ${index}`))]), ["bytes32"]],
  ["the same id three times", [["0x" + "11".repeat(32)], ["0x" + "22".repeat(32)], ["0x" + "11".repeat(32)], ["0x" + "11".repeat(32)]], ["bytes32"]],
];

const word = (text) => keccak256(stringToBytes(text));
const MISSING_VALUE = -(2n ** 255n);
const PROXY_ROUND = 2n ** 64n;

/** Alternates chain observations with feed observations, so that both kinds of provenance occur. */
function leaf(index) {
  const onChain = index % 2 === 0;
  const value = index % 7 === 6 ? MISSING_VALUE : (index % 3 === 1 ? -1n : 1n) * (10n ** 18n - BigInt(index) * 10n ** 15n);
  return [
    BigInt(index),
    word(onChain ? "mainnet" : "feed"),
    word(onChain ? "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48" : "flight:UA1545/2013-01-01/EWR"),
    word(onChain ? "price" : "arrival_delay"),
    value,
    1_678_500_000n + 60n * BigInt(index),
    onChain ? 4n * PROXY_ROUND + BigInt(index) : BigInt(index),
    onChain ? 1n : 0n,
    onChain ? 16_800_000n + BigInt(index) : 0n,
    onChain ? word(`block ${index}`) : zeroHash,
    onChain ? zeroHash : word(`raw response ${index}`),
  ];
}

export function merkleVectors() {
  return {
    about: "Evidence trees computed by @openzeppelin/merkle-tree. Leaves are in evidence order; proofs follow it.",
    leafEncoding: LEAF,
    trees: SIZES.map(tree),
    dumps: DUMPS.map(([name, values, encoding]) => {
      const standard = StandardMerkleTree.of(values, encoding);
      standard.validate();
      // Loading its own dump again must not change it.
      const dump = StandardMerkleTree.load(standard.dump()).dump();
      return {
        name,
        root: standard.root,
        hashes: values.map((value) => standard.leafHash(value)),
        proofs: [...values.keys()].filter((index) => index % 50 === 0).map((index) => [BigInt(index), standard.getProof(index)]),
        dump: plain(dump),
      };
    }),
  };
}

function tree(size) {
  const leaves = Array.from({ length: size }, (_, index) => leaf(index));
  const standard = StandardMerkleTree.of(leaves, LEAF);
  return {
    size: BigInt(size),
    root: standard.root,
    leaves: leaves.map((values, index) => ({
      // Field by field under the names of the leaf, for readers that decode into a type.
      values: named(values),
      hash: standard.leafHash(values),
      proof: standard.getProof(index),
    })),
    // The library's own form, which other tools load.
    dump: plain(standard.dump()),
  };
}

function named(values) {
  const names = "index source subject metric value observedAt sequence chainId block blockHash rawHash".split(" ");
  return Object.fromEntries(names.map((name, place) => [name, values[place]]));
}

/** Positions in a dump are numbers; they become decimal strings like every other integer. */
function plain(dump) {
  return { ...dump, values: dump.values.map(({ value, treeIndex }) => ({ value, treeIndex: BigInt(treeIndex) })) };
}
