// Three libraries that know nothing of each other say the same of one statement.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readFileSync } from "node:fs";

import { AbiCoder, TypedDataEncoder, keccak256, recoverAddress } from "ethers";
import { type Hex, concat, slice, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

import { checkMirror } from "../src/eas.js";
import { checkQuorum } from "../src/quorum.js";
import { Refusal } from "../src/refusal.js";
import { check } from "../src/schema.js";
import { TYPES, attestationId, batchId, claimKey, read } from "../src/statement.js";
import { type Loose, answers, domain, get, registry, samples, stage } from "./stage.js";

function json(name: string): Loose {
  const folder = new URL("../../../../../contracts-abi/vectors/", import.meta.url);
  return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

/** Other bytes of the same length. */
function altered(bytes: string): string {
  return `${bytes.slice(0, -1)}${bytes.endsWith("0") ? "1" : "0"}`;
}

test("ethers and viem compute the node's ids", async () => {
  const eip712 = { name: "Tocsin", version: "1", chainId: domain.chainId, verifyingContract: domain.verifier };
  for (const answer of await answers()) {
    const { id, claimKey: key, claim, batch } = read(answer);
    assert.equal(attestationId(claim, domain), id);
    const types = { ClaimAttestation: [...TYPES.ClaimAttestation] };
    assert.equal(TypedDataEncoder.hash(eip712, types, claim), id);
    const parts = [claim.consumer, claim.policyId, claim.termsHash, claim.eventId];
    const encoded = AbiCoder.defaultAbiCoder().encode(["address", "bytes32", "bytes32", "bytes32"], parts);
    assert.equal(keccak256(encoded), key);
    assert.equal(claimKey(claim), key);
    if (batch === null) continue;
    assert.equal(batchId(batch.signed, domain), batch.id);
    const ofBatch = { AttestationBatch: [...TYPES.AttestationBatch] };
    assert.equal(TypedDataEncoder.hash(eip712, ofBatch, batch.signed), batch.id);
  }
});

test("ethers recovers the attestor", async () => {
  const { single } = await samples();
  const attestor = privateKeyToAccount(stage.attestor_key).address;
  assert.equal(recoverAddress(single.id, slice(single.signatures as Hex, 32)), attestor);
});

test("a quorum of two in three is exactly that", async () => {
  const digest = toHex(5n, { size: 32 });
  const keys = [1, 2, 3].map(() => privateKeyToAccount(generatePrivateKey()));
  const signers = keys.map(({ address }) => address);
  const signed = await Promise.all(keys.map((key) => key.sign({ hash: digest })));
  const pack = (bitmap: bigint, ...signatures: (Hex | undefined)[]) =>
    concat([toHex(bitmap, { size: 32 }), ...signatures.map((signature) => signature as Hex)]);
  await checkQuorum(pack(0b101n, signed[0], signed[2]), digest, 2, signers);
  for (const packed of [
    pack(0b101n, signed[2], signed[0]),
    pack(0b101n, signed[0], signed[0]),
    pack(0b100n, signed[2]),
    pack(0b111n, ...signed),
    pack(0b1001n, signed[0], signed[2]),
  ]) {
    await assert.rejects(checkQuorum(packed, digest, 2, signers), Refusal);
  }
});

test("evidence bundles have the published form", async () => {
  for (const id of stage.attestations) check("evidence-bundle", await get(`v1/attestations/${id}/evidence`));
});

test("the EAS SDK verifies mirrors, and they say what was attested", () => {
  const vectors = json("eas.json");
  const attested = json("attestations.json").vectors as Loose[];
  for (const { attestation, sig } of vectors.vectors as Loose[]) {
    const mirror = { signer: vectors.signer, sig };
    const eas = { ...vectors.contract, chainId: BigInt(sig.domain.chainId) };
    checkMirror(mirror, eas, [vectors.signer]);
    const original = attested.find(({ digest }) => digest === attestation);
    assert.ok(original);
    const types = ["bytes32", ...TYPES.ClaimAttestation.map(({ type }) => type)];
    const [id, ...values] = AbiCoder.defaultAbiCoder().decode(types, sig.message.data);
    assert.equal(id, attestation);
    TYPES.ClaimAttestation.forEach(({ name }, place) => {
      assert.equal(String(values[place]).toLowerCase(), String(original.attestation[name]).toLowerCase(), name);
    });

    const changed = structuredClone(mirror);
    changed.sig.message.data = altered(sig.message.data);
    assert.throws(() => checkMirror(changed, eas, [vectors.signer]), Refusal);
    for (const other of [
      { ...eas, chainId: eas.chainId - 1n },
      { ...eas, address: stage.verifier },
      { ...eas, version: "0.26" },
    ]) {
      assert.throws(() => checkMirror(mirror, other, [vectors.signer]), Refusal);
    }
    assert.throws(() => checkMirror(mirror, eas, []), Refusal);
  }
});

test("the EAS SDK verifies what the node mirrors, however it was signed", async () => {
  const eas = { ...stage.eas, chainId: BigInt(domain.chainId) };
  const epoch = await registry.epoch(1, await registry.now());
  assert.ok(epoch);
  for (const answer of await answers()) {
    const mirror = await get(`v1/attestations/${answer.id}/eas`);
    checkMirror(mirror, eas, epoch.signers);
    const types = ["bytes32", ...TYPES.ClaimAttestation.map(({ type }) => type)];
    const [id, ...values] = AbiCoder.defaultAbiCoder().decode(types, mirror.sig.message.data);
    assert.equal(id, answer.id);
    TYPES.ClaimAttestation.forEach(({ name }, place) => {
      assert.equal(String(values[place]).toLowerCase(), String(answer.attestation[name]).toLowerCase(), name);
    });
    const changed = structuredClone(mirror);
    changed.sig.message.data = altered(mirror.sig.message.data);
    assert.throws(() => checkMirror(changed, eas, epoch.signers), Refusal);
    assert.throws(() => checkMirror(mirror, { ...eas, version: "1.4.0" }, epoch.signers), Refusal);
    assert.throws(() => checkMirror(mirror, eas, []), Refusal);
  }
});
