#!/usr/bin/env node
// Golden vectors, computed by third parties (viem, and OpenZeppelin's merkle-tree) and never by our own contracts or
// crates, which are tested against them. With --check, writes nothing and fails if a committed file differs.
//
// Integers are decimal strings and bytes are 0x-hex, so that every JSON reader sees the same values.
import { readFileSync, writeFileSync } from "node:fs";
import { attestationVectors } from "./attestations.mjs";
import { batchVectors } from "./batches.mjs";
import { ledgerVectors } from "./ledger.mjs";
import { merkleVectors } from "./merkle.mjs";
import { quorumVectors } from "./quorum.mjs";

const check = process.argv.includes("--check");
const files = {
  "attestations.json": await attestationVectors(),
  "batches.json": await batchVectors(),
  "ledger.json": await ledgerVectors(),
  "merkle.json": merkleVectors(),
  "quorum.json": await quorumVectors(),
};
const stale = [];

for (const [name, content] of Object.entries(files)) {
  const text = JSON.stringify(content, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2) + "\n";
  const file = new URL(name, import.meta.url);
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) stale.push(`vectors/${name}`);
}

if (stale.length > 0) {
  console.error(`differ from what the third parties compute: ${stale.join(", ")}`);
  process.exitCode = 1;
} else {
  console.log(check ? "vectors agree" : "vectors written");
}
