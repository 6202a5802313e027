#!/usr/bin/env node
// Copies ABI and creation bytecode from forge's output into the committed JSON files that the Rust crates read, so
// that building Rust needs no Solidity compiler. With --check, writes nothing and fails if a file is stale.
import { readFileSync, writeFileSync } from "node:fs";

const CONTRACTS = [
  ...["TocsinVerifier", "ParametricCover", "DemoToken", "DemoAggregator", "DemoFeed", "DemoMulticall", "DemoVault"].map((name) => ({ name, folder: "" })),
  // Contracts to be attacked by the tests of covers: [source file, contract].
  ...[
    ["LeakyVault", "LeakyVault"],
    ["SpotPool", "SpotPool"],
    ["SpotLender", "SpotLender"],
    ["FlashDrain", "FlashLender"],
    ["FlashDrain", "FlashDrain"],
    ["ReentrantPool", "ReentrantPool"],
    ["ReentrantPool", "ReentrantThief"],
    ["LooseToken", "LooseToken"],
    ["ProxiedBank", "ProxiedBank"],
    ["ProxiedBank", "EmptiedBank"],
    ["Governed", "IncidentProxy"],
    ["Governed", "IncidentTimelock"],
    ["IncidentReports", "IncidentReports"],
  ].map(([source, name]) => ({ source, name, folder: "incidents/" })),
];

const check = process.argv.includes("--check");
const root = new URL("../", import.meta.url);
const stale = [];

for (const { name, source = name, folder } of CONTRACTS) {
  const artifact = JSON.parse(readFileSync(new URL(`out/${source}.sol/${name}.json`, root), "utf8"));
  const bytecode = artifact.bytecode.object;
  if (!/^0x([0-9a-f]{2})+$/.test(bytecode)) throw new Error(`${name} has no linked bytecode`);

  const text = JSON.stringify({ contractName: name, abi: artifact.abi, bytecode }, null, 2) + "\n";
  const path = `abi/${folder}${name}.json`;
  const file = new URL(path, root);
  if (!check) writeFileSync(file, text);
  else if (readIfThere(file) !== text) stale.push(path);
}

if (stale.length > 0) {
  console.error(`stale: ${stale.join(", ")}; run "npm run abi"`);
  process.exitCode = 1;
} else {
  console.log(check ? "ABI files are fresh" : "ABI files written");
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
