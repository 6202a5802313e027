// Statements for a programme off-chain: owed by who may sign for it, and nowhere else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Hex, concat, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { Agreed } from "../src/agreed.js";
import { Refusal } from "../src/refusal.js";
import type { Authority, Epoch } from "../src/registry.js";
import { type Domain, type Programme, attestationId, read } from "../src/statement.js";
import { verify } from "../src/verify.js";
import { type Loose, domain, registry, samples, stage, terms } from "./stage.js";

const programme: Programme = { programme: `0x${"0f".repeat(32)}` };
const attestor = privateKeyToAccount(stage.attestor_key);
const ALWAYS = 2n ** 64n - 1n;
const EPOCH: Epoch = {
  activeFrom: 0n,
  signUntil: ALWAYS,
  acceptUntil: ALWAYS,
  threshold: 1,
  signers: [attestor.address],
  contractSigners: 0n,
  revoked: false,
};

/** The same claim, in this epoch, signed for the programme. */
async function stated(answer: Loose, epoch: number): Promise<Loose> {
  const changed = structuredClone(answer);
  changed.attestation.signerEpoch = String(epoch);
  changed.id = attestationId(read(changed).claim, programme);
  const signature: Hex = await attestor.sign({ hash: changed.id });
  changed.signatures = concat([toHex(1n, { size: 32 }), signature]);
  return changed;
}

async function reason(answer: Loose, at: Authority, meant: Domain | Programme = programme): Promise<string> {
  try {
    await verify(answer, { ...terms, domain: meant }, at);
    return "owed";
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

test("what is signed for a programme is owed there, by its own signers, in time", async () => {
  const { single } = await samples();
  const { claim } = read(single);
  const begins = claim.issuedAt > claim.validAfter ? claim.issuedAt : claim.validAfter;
  const agreed = (change: Partial<Epoch>, after = 0n) =>
    new Agreed(new Map([[claim.signerEpoch, { ...EPOCH, ...change }]]), () => begins + after);
  const answer = await stated(single, claim.signerEpoch);
  assert.equal(await reason(answer, agreed({})), "owed");

  assert.equal(await reason(answer, agreed({}), { programme: `0x${"10".repeat(32)}` }), "digest");
  assert.equal(await reason(answer, registry, domain), "digest");
  assert.equal(await reason(single, agreed({})), "digest");
  assert.equal(await reason({ ...answer, signatures: single.signatures }, agreed({})), "signatures");

  assert.equal(await reason(answer, agreed({ signers: [stage.consumer] })), "signatures");
  assert.equal(await reason(answer, agreed({ revoked: true })), "epoch");
  assert.equal(await reason(answer, agreed({ activeFrom: claim.issuedAt + 1n })), "epoch");
  assert.equal(await reason(answer, agreed({ signUntil: claim.issuedAt - 1n })), "epoch");
  assert.equal(await reason(answer, agreed({ acceptUntil: claim.issuedAt - 1n })), "epoch");
  assert.equal(await reason(answer, new Agreed(new Map(), () => begins)), "epoch");
  assert.equal(await reason(answer, agreed({}, claim.validUntil)), "expired");
  assert.equal(await reason(answer, agreed({}, -1n)), "too-early");
});

test("a claim that the next epoch states anew is still the same claim", async () => {
  const { single } = await samples();
  const { claim } = read(single);
  const begins = claim.issuedAt > claim.validAfter ? claim.issuedAt : claim.validAfter;
  const number = claim.signerEpoch;
  const both = new Map([
    [number, { ...EPOCH, revoked: true }],
    [number + 1, EPOCH],
  ]);
  const [first, anew] = [await stated(single, number), await stated(single, number + 1)];
  const at = new Agreed(both, () => begins);
  assert.equal(await reason(first, at), "epoch");
  const owed = await verify(anew, { ...terms, domain: programme }, at);
  assert.notEqual(anew.id, first.id);
  assert.equal(owed.claimKey, first.claim_key);
});
