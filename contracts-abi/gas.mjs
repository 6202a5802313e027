#!/usr/bin/env node
// Writes the table of docs/gas.md from snapshots/GasTest.json, which forge compares with what transactions cost. With
// --check, writes nothing and fails if the table is stale or a figure is above its bound.
import { readFileSync, writeFileSync } from "node:fs";

const BEGIN = "<!-- written by `npm run gas`; do not edit -->";
const END = "<!-- end -->";

/** What each figure of the snapshot is called, in the order of the table, and the bound that it must keep, if any. */
const ROWS = [
  ["verifier consume, 1 of 1", "`consume`, 1 of 1", 70_000],
  ["verifier consume, 4 of 5", "`consume`, 4 of 5", 95_000],
  ["verifier consume, 5 of 7", "`consume`, 5 of 7"],
  ["verifier consume, 13 of 19", "`consume`, 13 of 19", 165_000],
  ["verifier consume, 4 of 5, one of them a contract", "`consume`, 4 of 5, one of them a contract"],
  ["verifier consume, 1 of 1, in a batch of 1024", "`consumeBatched`, 1 of 1, in a batch of 1,024"],
  ["verifier consume, 13 of 19, in a batch of 1024", "`consumeBatched`, 13 of 19, in a batch of 1,024"],
  ["verifier consume, 1 of 1, after a correction", "`consume`, 1 of 1, a correction after a revocation"],
  ["verifier hold", "`holdClaim`"],
  ["verifier release, 4 of 5", "`releaseClaim`, 4 of 5"],
  ["verifier revoke, 4 of 5", "`revokeClaim`, 4 of 5"],
  ["cover claim, 1 of 1", "`ParametricCover.claim`, 1 of 1"],
  ["cover claim, 1 of 1, in a batch of 1024", "`ParametricCover.claimBatched`, 1 of 1, in a batch of 1,024"],
];

const check = process.argv.includes("--check");
const page = new URL("../docs/gas.md", import.meta.url);
const figures = JSON.parse(readFileSync(new URL("snapshots/GasTest.json", import.meta.url), "utf8"));
const named = new Set(ROWS.map(([name]) => name));
const unnamed = Object.keys(figures).filter((name) => !named.has(name));
if (unnamed.length > 0) throw new Error(`gas.mjs has no row for: ${unnamed.join("; ")}`);

const number = (value) => value.toLocaleString("en-US");
const above = [];
const lines = ROWS.map(([name, title, bound]) => {
  const gas = Number(figures[name]);
  if (!Number.isSafeInteger(gas)) throw new Error(`snapshots/GasTest.json has no figure for: ${name}`);
  if (bound !== undefined && gas > bound) above.push(`${name}: ${number(gas)} > ${number(bound)}`);
  return `| ${title} | ${number(gas)} | ${bound === undefined ? "" : number(bound)} |`;
});
const table = [BEGIN, "| transaction | gas | bound |", "| --- | ---: | ---: |", ...lines, END].join("\n");

const text = readFileSync(page, "utf8");
const [before, rest] = text.split(BEGIN);
const [, after] = (rest ?? "").split(END);
if (after === undefined) throw new Error("docs/gas.md has lost the marks around its table");
const fresh = before + table + after;

if (above.length > 0) {
  console.error(`above the bound: ${above.join("; ")}`);
  process.exitCode = 1;
} else if (check && fresh !== text) {
  console.error('docs/gas.md is stale; run "npm run gas"');
  process.exitCode = 1;
} else {
  if (!check) writeFileSync(page, fresh);
  console.log(check ? "docs/gas.md agrees with the snapshot" : "docs/gas.md written");
}
