// What was tampered with is refused, for its own reason; and the verifier contract refuses what is refused here for what the
// attestation says.

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Hex, concat, size, slice, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { Book } from "../src/book.js";
import { PayoutService } from "../src/payout.js";
import { Refusal } from "../src/refusal.js";
import { attestationId, claimKey, read } from "../src/statement.js";
import { verify } from "../src/verify.js";
import { FileBank, type Loose, ShiftedRegistry, domain, folder, registry, samples, stage, terms } from "./stage.js";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const DAY = 86_400n;

async function reason(answer: Loose, at = registry): Promise<string> {
  try {
    await verify(answer, terms, at);
    return "owed";
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

/** With its ids put right, as somebody would who wants to be believed. */
function consistent(answer: Loose): Loose {
  const { claim } = read({ ...answer });
  return { ...answer, id: attestationId(claim, domain), claim_key: claimKey(claim) };
}

function altered(answer: Loose, change: (copy: Loose) => void): Loose {
  const copy = structuredClone(answer);
  change(copy);
  return copy;
}

test("genuine ones are owed, and the contract agrees", async () => {
  for (const answer of Object.values(await samples())) {
    assert.equal(await reason(answer), "owed");
    assert.equal(await registry.verifies(read(answer), await registry.now()), true);
  }
});

test("no field of a claim can be changed", async () => {
  const { single, batched } = await samples();
  for (const answer of [single, batched]) {
    for (const [name, value] of Object.entries<string>(answer.attestation)) {
      const other = value.startsWith("0x")
        ? (toHex(BigInt(value) ^ 1n, { size: size(value as Hex) }) as string)
        : (BigInt(value) ^ 1n).toString();
      const changed = altered(answer, (copy) => (copy.attestation[name] = other));
      const plain = await reason(changed);
      // A verdict of 0 is none.
      assert.equal(plain, name === "verdict" ? "schema" : "digest", name);
      if (plain === "schema") continue;
      const forged = consistent(changed);
      assert.notEqual(await reason(forged), "owed", name);
      assert.equal(await registry.verifies(read(forged), await registry.now()), false, name);
    }
  }
});

test("an answer of another form is refused before anything is read of it", async () => {
  const { single } = await samples();
  const changes: ((copy: Loose) => void)[] = [
    (copy) => delete copy.attestation.supersedes,
    (copy) => (copy.attestation.more = "1"),
    (copy) => (copy.attestation.payoutFraction = 1_000_000_000_000_000),
    (copy) => (copy.attestation.payoutFraction = "01"),
    (copy) => (copy.attestation.payoutFraction = (2n ** 64n).toString()),
    (copy) => (copy.attestation.policyId = copy.attestation.policyId.toUpperCase()),
    (copy) => (copy.signatures = "0x"),
    (copy) => delete copy.batch,
    (copy) => delete copy.claim_key,
  ];
  for (const change of changes) assert.equal(await reason(altered(single, change)), "schema", String(change));
  for (const nothing of [null, [], "x", {}]) assert.equal(await reason(nothing), "schema");
});

test("signatures have one form, and are the attestor's", async () => {
  const { single, batched } = await samples();
  const stranger = privateKeyToAccount(toHex(7n, { size: 32 }));
  for (const answer of [single, batched]) {
    const packed: Hex = answer.signatures;
    const [bitmap, r, s, v] = [slice(packed, 0, 32), slice(packed, 32, 64), slice(packed, 64, 96), slice(packed, 96, 97)];
    const high = toHex(ORDER - BigInt(s), { size: 32 });
    const forged = await stranger.sign({ hash: answer.batch?.id ?? answer.id });
    const spoiled: Hex[] = [
      // The other signature of the same key: a reader that does not refuse it counts one statement twice.
      concat([bitmap, r, high, v === "0x1b" ? "0x1c" : "0x1b"]),
      concat([bitmap, r, s, v === "0x1b" ? "0x1c" : "0x1b"]),
      concat([bitmap, r, s, toHex(BigInt(v) - 27n, { size: 1 })]),
      concat([bitmap, forged]),
      concat([toHex(2n, { size: 32 }), r, s, v]),
      concat([toHex(0n, { size: 32 }), r, s, v]),
      concat([packed, "0x00"]),
      concat([packed, r, s, v]),
      slice(packed, 0, 96),
      concat([bitmap, toHex(0n, { size: 32 }), s, v]),
    ];
    for (const signatures of spoiled) {
      const changed = { ...answer, signatures };
      assert.equal(await reason(changed), "signatures", signatures);
      assert.equal(await registry.verifies(read(changed), await registry.now()), false, signatures);
    }
  }
});

test("a batch vouches for its own", async () => {
  const { single, batched } = await samples();
  const proof: Hex[] = batched.batch.proof;
  const changes: [string, (copy: Loose) => void][] = [
    ["batch", (copy) => copy.batch.proof.pop()],
    ["batch", (copy) => copy.batch.proof.push(proof[0])],
    ["batch", (copy) => copy.batch.proof.reverse()],
    ["batch", (copy) => (copy.batch.signed.count = "4")],
    ["batch", (copy) => (copy.batch.signed.root = proof[0])],
    ["signatures", (copy) => (copy.batch = null)],
  ];
  for (const [expected, change] of changes) {
    const changed = altered(batched, change);
    assert.equal(await reason(changed), expected, String(change));
    assert.equal(await registry.verifies(read(changed), await registry.now()), false, String(change));
  }
  // One that is in no batch, with a batch and its signatures.
  const borrowed = { ...single, batch: batched.batch, signatures: batched.signatures };
  assert.equal(await reason(borrowed), "batch");
});

test("it is for this service, and for what it sold", async () => {
  const { single } = await samples();
  const elsewhere = { ...terms, consumer: `0x${"11".repeat(20)}` as const };
  const unsold = { ...terms, policy: () => undefined };
  const sold = terms.policy(single.policy);
  assert.ok(sold);
  const otherTerms = { ...terms, policy: () => ({ ...sold, termsHash: `0x${"22".repeat(32)}` }) };
  const otherChain = { ...terms, domain: { ...domain, chainId: 1 } };
  for (const [expected, changed] of [
    ["consumer", elsewhere],
    ["policy", unsold],
    ["policy", otherTerms],
    ["digest", otherChain],
  ] as const) {
    await assert.rejects(verify(single, changed, registry), { reason: expected });
  }
});

test("it can be used neither too early nor too late", async () => {
  const { single } = await samples();
  assert.equal(await reason(single, new ShiftedRegistry(-30n * DAY)), "too-early");
  assert.equal(await reason(single, new ShiftedRegistry(31n * DAY)), "expired");
});

test("a claim that is stated anew is still the same claim", async () => {
  const { single } = await samples();
  const bank = new FileBank();
  const book = new Book(folder());
  const service = new PayoutService(stage.api, terms, registry, book, bank);
  assert.ok("paid" in (await service.consider(single.id)));
  // The attestor signs once more, at another time.
  const later = (BigInt(single.attestation.issuedAt) + 1n).toString();
  const anew = consistent(altered(single, (copy) => (copy.attestation.issuedAt = later)));
  const signature = await privateKeyToAccount(stage.attestor_key).sign({ hash: anew.id });
  const restated = { ...anew, signatures: concat([toHex(1n, { size: 32 }), signature]) };
  assert.notEqual(restated.id, single.id);
  const owed = await verify(restated, terms, registry);
  assert.equal(book.enter(owed), false);
  assert.equal(bank.payments().length, 1);
});
