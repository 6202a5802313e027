#!/usr/bin/env node
// What the storm should cost, worked out a second time: from the recorded flights and the file of policies, by the words of the
// terms (docs/covers/flight-delay-45min.md) and with no line of the service's code.
//
//   node count.mjs FLIGHTS.csv POLICIES.csv [COUNTS.json]
//
// Prints JSON; with a third file, that of the service, says whether it is the same, and ends with 1 if not. Amounts are in
// units of the token, as decimal strings. Delays are the recorded ones. Flights are the insured ones.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [flightsFile, policiesFile, countsFile] = process.argv.slice(2);
if (!policiesFile) throw new Error("usage: count.mjs FLIGHTS.csv POLICIES.csv [COUNTS.json]");

/** Neither file has quotes or commas within a cell. */
function read(file) {
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const names = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, place) => [names[place], cell])));
}

/** What the records say became of a flight; see the README beside them. */
function fate({ dep_time, arr_time, arr_delay }) {
  if (dep_time === "") return { kind: "cancelled" };
  if (arr_delay !== "") return { kind: Number(arr_delay) >= 45 ? "delayed" : "on_time", minutes: Number(arr_delay) };
  return { kind: arr_time === "" ? "unresolved" : "diverted" };
}

/** Percent of the sum insured: WEIGHT_PATTERN of Etherisc's contract. */
const PERCENT = { cancelled: 50n, diverted: 50n, delayed: 30n };

const fates = new Map();
for (const flight of read(flightsFile)) {
  fates.set(`flight:${flight.carrier}${flight.flight}/${flight.date}/${flight.origin}`, fate(flight));
}

const count = (kinds) => Object.fromEntries(kinds.map((kind) => [kind, 0]));
const KINDS = ["cancelled", "delayed", "diverted", "on_time", "unresolved"];
const flights = { total: 0, ...count(KINDS) };
const insured = new Set();

const policies = { total: 0, ...count(KINDS), ended: 0, paid: 0 };
const byConsumer = {};
let payout = 0n;
for (const policy of read(policiesFile)) {
  const outcome = fates.get(policy.subject);
  if (!outcome) throw new Error(`nobody recorded ${policy.subject}`);
  policies.total += 1;
  policies[outcome.kind] += 1;
  if (!insured.has(policy.subject)) {
    insured.add(policy.subject);
    flights.total += 1;
    flights[outcome.kind] += 1;
  }
  if (!(outcome.kind in PERCENT)) continue;
  // Cover that ended by the midnight before the first departure ended before all of it. Both are RFC 3339 in UTC.
  if (policy.expiry <= "2013-02-08T05:00:00Z") {
    policies.ended += 1;
    continue;
  }
  const amount = (BigInt(policy.sum_insured) * PERCENT[outcome.kind]) / 100n;
  policies.paid += 1;
  payout += amount;
  const consumer = (byConsumer[policy.consumer] ??= { paid: 0, payout: 0n });
  consumer.paid += 1;
  consumer.payout += amount;
}

const result = { flights, policies, payout, byConsumer };
const text = JSON.stringify(result, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2);
console.log(text);
if (countsFile) {
  const counted = readFileSync(countsFile, "utf8");
  if (!isDeepStrictEqual(JSON.parse(counted), JSON.parse(text))) {
    console.error(`the service counted otherwise:\n${counted}`);
    process.exitCode = 1;
  }
}
