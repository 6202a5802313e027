#!/usr/bin/env node
// Copies ABI and creation bytecode from forge's output into the committed JSON files that the Rust crates read, so
// that building Rust needs no Solidity compiler. With --check, writes nothing and fails if a file is stale.
import { readFileSync, writeFileSync } from "node:fs";

const CONTRACTS = [
  "TocsinVerifier",
  "ParametricCover",
  "DemoToken",
  "DemoAggregator",
  "DemoFeed",
  "DemoMulticall",
  "DemoVault",
];

/** Contracts to be attacked by the tests of covers, by the source file that they are in. */
const INCIDENTS = {
  FlashDrain: ["FlashLender", "FlashDrain"],
  Governed: ["IncidentProxy", "IncidentTimelock"],
  IncidentReports: ["IncidentReports"],
  LeakyVault: ["LeakyVault"],
  LooseToken: ["LooseToken"],
  ProxiedBank: ["ProxiedBank", "EmptiedBank"],
  ReentrantPool: ["ReentrantPool", "ReentrantThief"],
  SpotLender: ["SpotLender"],
  SpotPool: ["SpotPool"],
};

/** What lets other protocols take a claim. */
const ADAPTERS = [
  "AttestedFeed",
  "CozyTrigger",
  "EasMirrorResolver",
  "GifV2Oracle",
  "GifV3Responder",
  "NaymsClaims",
  "Y2kCondition",
];

const wanted = [
  ...CONTRACTS.map((name) => ({ source: name, name, path: `abi/${name}.json` })),
  ...ADAPTERS.map((name) => ({ source: name, name, path: `abi/adapters/${name}.json` })),
  ...Object.entries(INCIDENTS).flatMap(([source, names]) =>
    names.map((name) => ({ source, name, path: `abi/incidents/${name}.json` })),
  ),
];

const check = process.argv.includes("--check");
const root = new URL("../", import.meta.url);
const stale = [];

for (const { source, name, path } of wanted) {
  const artifact = JSON.parse(readFileSync(new URL(`out/${source}.sol/${name}.json`, root), "utf8"));
  const bytecode = artifact.bytecode.object;
  if (!/^0x([0-9a-f]{2})+$/.test(bytecode)) throw new Error(`${name} has no linked bytecode`);

  const text = JSON.stringify({ contractName: name, abi: artifact.abi, bytecode }, null, 2) + "\n";
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
