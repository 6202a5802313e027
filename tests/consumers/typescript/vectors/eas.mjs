#!/usr/bin/env node
// Mirrors of the golden attestations, made by the Ethereum Attestation Service's own SDK: schema, uid, digest, signature.
// With --check, writes nothing and fails if the committed file differs.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { TypedDataEncoder, Wallet, ZeroAddress, ZeroHash, id } from "ethers";

// Its ES module imports names that lodash does not export; the other form works.
const { EAS, Offchain, OffchainAttestationVersion, SchemaEncoder, SchemaRegistry } = createRequire(import.meta.url)(
  "@ethereum-attestation-service/eas-sdk",
);

const VECTORS = new URL("../../../../contracts-abi/vectors/", import.meta.url);
const FILE = new URL("eas.json", VECTORS);
const CONTRACT = "0xA1207F3BBa224E2c9c3c6D5aF63D0eb1582Ce587";
const VERSION = "1.4.0";
const FIELDS = [
  ["attestationId", "bytes32"],
  ["policyId", "bytes32"],
  ["termsHash", "bytes32"],
  ["eventId", "bytes32"],
  ["consumer", "address"],
  ["verdict", "uint8"],
  ["payoutFraction", "uint64"],
  ["measuredValue", "int256"],
  ["occurredAt", "uint64"],
  ["confirmedAt", "uint64"],
  ["windowStart", "uint64"],
  ["windowEnd", "uint64"],
  ["sourceChainId", "uint64"],
  ["sourceBlock", "uint64"],
  ["sourceBlockHash", "bytes32"],
  ["evidenceRoot", "bytes32"],
  ["evidenceCount", "uint32"],
  ["issuedAt", "uint64"],
  ["validAfter", "uint64"],
  ["validUntil", "uint64"],
  ["signerEpoch", "uint32"],
  ["revision", "uint32"],
  ["supersedes", "bytes32"],
];
const SCHEMA = FIELDS.map(([name, type]) => `${type} ${name}`).join(",");
const REVOCABLE = true;
// A key that guards nothing.
const WALLET = new Wallet(id("tocsin vector signer a"));

async function mirror({ name, domain, attestation, digest }) {
  const offchain = new Offchain(
    { address: CONTRACT, chainId: BigInt(domain.chainId), version: VERSION },
    OffchainAttestationVersion.Version2,
    new EAS(CONTRACT),
  );
  const values = { attestationId: digest, ...attestation };
  const encoder = new SchemaEncoder(SCHEMA);
  const params = {
    schema: SchemaRegistry.getSchemaUID(SCHEMA, ZeroAddress, REVOCABLE),
    recipient: attestation.consumer,
    time: BigInt(attestation.issuedAt),
    expirationTime: BigInt(attestation.validUntil),
    revocable: REVOCABLE,
    refUID: ZeroHash,
    data: encoder.encodeData(FIELDS.map(([field, type]) => ({ name: field, type, value: values[field] }))),
    salt: digest,
  };
  const signed = await offchain.signOffchainAttestation(params, WALLET);
  if (!offchain.verifyOffchainAttestationSignature(WALLET.address, signed)) throw new Error("the SDK refuses its own");
  return { name, attestation: digest, digest: TypedDataEncoder.hash(signed.domain, signed.types, signed.message), sig: signed };
}

const { vectors } = JSON.parse(readFileSync(new URL("attestations.json", VECTORS), "utf8"));
const content = {
  about: "EAS off-chain attestations, version 2, made by eas-sdk from the vectors of attestations.json. The key guards nothing.",
  schema: SCHEMA,
  schemaUid: SchemaRegistry.getSchemaUID(SCHEMA, ZeroAddress, REVOCABLE),
  contract: { address: CONTRACT, version: VERSION },
  signer: WALLET.address,
  vectors: await Promise.all(vectors.map(mirror)),
};
const text = JSON.stringify(content, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2) + "\n";
if (!process.argv.includes("--check")) {
  writeFileSync(FILE, text);
  console.log("vectors written");
} else if (readFileSync(FILE, "utf8") !== text) {
  console.error("eas.json differs from what eas-sdk computes");
  process.exitCode = 1;
} else {
  console.log("vectors agree");
}
