// What a quorum of attestors says of one loss: reports, votes and messages signed by viem, the evidence under all reports by
// OpenZeppelin's merkle-tree, and the middle of three views found by hand.
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import {
  domainSeparator,
  encodeAbiParameters,
  hashStruct,
  hashTypedData,
  keccak256,
  stringToBytes,
  zeroHash,
} from "viem";
import { DOMAIN_TYPES, SIGNERS, packed } from "./attestations.mjs";
import { LEAF } from "./merkle.mjs";

const REPORT = {
  termsHash: "bytes32",
  riskId: "bytes32",
  ordinal: "uint32",
  previousConfirmedAt: "int64",
  evidenceFrom: "int64",
  occurredAt: "int64",
  confirmedAt: "int64",
  settledAt: "int64",
  determinedAt: "int64",
  payoutFraction: "uint64",
  observationsHash: "bytes32",
  observationsCount: "uint32",
  signerEpoch: "uint32",
};
const VOTE = {
  eventKey: "bytes32",
  round: "uint32",
  step: "uint8",
  reportsHash: "bytes32",
  signerEpoch: "uint32",
};
const MESSAGE = {
  path: "string",
  bodyHash: "bytes32",
  sender: "address",
  recipient: "address",
  sentAt: "uint64",
  inReplyTo: "bytes32",
};

const word = (text) => keccak256(stringToBytes(text));
const abiHash = (types, values) => keccak256(encodeAbiParameters(types.map((type) => ({ type })), values));

const DOMAIN = { name: "Tocsin", version: "1", chainId: 31337n, verifyingContract: `0x${word("verifier").slice(-40)}` };
const ATTESTORS = SIGNERS.slice(0, 4);
const THRESHOLD = 3n;
const EPOCH = 1n;
const SOURCE = "feed:aeroapi";
const SUBJECT = "flight:UA1545/2013-01-01/EWR";
const METRIC = "arrival_delay";
const BEGINS = 1_357_084_800n;
const HOUR = 3600n;

// A flight counts once it was known for ten minutes that it is late by more than three hours.
const TERMS = canonical({
  name: "flight-late",
  title: "A flight that is known to be late",
  version: 1,
  inputs: { delay: { metric: METRIC, subject: SUBJECT, source: SOURCE } },
  trigger: { when: "holds(delay > 3h, for: 10min, confirm: observation)", rearm: "never" },
  payout: { fraction: "linear(delay, from: 0h, to: 10h)" },
  policy: { waiting: "0s" },
});

// Index, when it decided after the beginning, and what it saw: seconds after the beginning, sequence, hours.
// They ask at times of their own; an answer that was read from one archive is the same for all three.
const VIEWS = [
  { index: 0, decided: 610n, seen: [[0n, 1n, 4n], [300n, 2n, 4n], [400n, 3n, 4n, "archive"], [601n, 4n, 5n]] },
  { index: 1, decided: 705n, seen: [[2n, 1n, 4n], [400n, 3n, 4n, "archive"], [700n, 9n, 4n]] },
  { index: 3, decided: 9999n, seen: [[5n, 1n, 4n], [400n, 3n, 4n, "archive"], [650n, 2n ** 70n, 10n]] },
];
// By the terms, from the rows above: the first row, the first one more than ten minutes later, and a tenth per hour.
const SHOWN = [
  { occurred: 0n, confirmed: 601n, payout: 5n },
  { occurred: 2n, confirmed: 700n, payout: 4n },
  { occurred: 5n, confirmed: 650n, payout: 10n },
];
// The middle one of each.
const MIDDLE = { occurred: 2n, confirmed: 650n, payout: 5n, decided: 705n };

export async function quorumVectors() {
  const termsHash = word(TERMS);
  const riskId = abiHash(["bytes32", "bytes32"], [termsHash, word(SUBJECT)]);
  const eventKey = abiHash(["bytes32", "uint32"], [riskId, 1]);
  const reports = [];
  for (const [place, view] of VIEWS.entries()) reports.push(await report(termsHash, riskId, view, SHOWN[place]));
  const reportsHash = abiHash(["bytes32[]"], [reports.map(({ digest }) => digest)]);
  const evidence = distinct(VIEWS.flatMap(({ index, seen }) => seen.map((row) => [index, row])));
  return {
    about:
      "What a quorum says of a loss, computed by viem and @openzeppelin/merkle-tree; the middle of the reports by hand. The keys guard nothing.",
    typeStrings: {
      ObservationReport: typeString("ObservationReport", REPORT),
      EvidenceVote: typeString("EvidenceVote", VOTE),
      PeerMessage: typeString("PeerMessage", MESSAGE),
    },
    domain: DOMAIN,
    domainSeparator: domainSeparator({ domain: DOMAIN, types: DOMAIN_TYPES }),
    signers: { epoch: EPOCH, threshold: THRESHOLD, addresses: ATTESTORS.map(({ account }) => account.address.toLowerCase()) },
    terms: TERMS,
    termsHash,
    subject: SUBJECT,
    ordinal: 1n,
    riskId,
    eventKey,
    reports,
    reportsHash,
    fused: {
      occurredAt: BEGINS + MIDDLE.occurred,
      confirmedAt: BEGINS + MIDDLE.confirmed,
      determinedAt: BEGINS + MIDDLE.decided,
      payoutFraction: MIDDLE.payout * 10n ** 17n,
      measuredSeconds: MIDDLE.payout * HOUR,
      evidenceRoot: StandardMerkleTree.of(evidence.map(leaf), LEAF).root,
      evidenceCount: BigInt(evidence.length),
    },
    certificates: [await certificate(eventKey, 7n, 1n, reportsHash), await certificate(eventKey, 2n ** 32n - 1n, 2n, reportsHash)],
    messages: [
      await message("/quorum/v1/reports", '{"events":[]}', zeroHash),
      await message("/quorum/v1/ü?round=7", "", word("the request")),
    ],
  };
}

async function report(termsHash, riskId, { index, decided, seen }, { occurred, confirmed, payout }) {
  const observations = seen.map((row) => observation(index, row));
  const statement = {
    termsHash,
    riskId,
    ordinal: 1n,
    previousConfirmedAt: 0n,
    evidenceFrom: BEGINS + occurred,
    occurredAt: BEGINS + occurred,
    confirmedAt: BEGINS + confirmed,
    settledAt: BEGINS + confirmed,
    determinedAt: BEGINS + decided,
    payoutFraction: payout * 10n ** 17n,
    observationsHash: word(canonical(observations)),
    observationsCount: BigInt(observations.length),
    signerEpoch: EPOCH,
  };
  const { digest, structHash, signature } = await signed(index, "ObservationReport", REPORT, statement);
  return { signerIndex: BigInt(index), structHash, digest, json: canonical({ statement, observations, signature }) };
}

async function certificate(eventKey, round, step, reportsHash) {
  const voters = [0, 2, 3];
  const vote = { eventKey, round, step, reportsHash, signerEpoch: EPOCH };
  const votes = await Promise.all(voters.map((index) => signed(index, "EvidenceVote", VOTE, vote)));
  return { vote, structHash: votes[0].structHash, digest: votes[0].digest, packedSignatures: packed(voters, votes.map(({ signature }) => signature)) };
}

async function message(path, body, inReplyTo) {
  const [sender, recipient] = [ATTESTORS[0].account.address, ATTESTORS[3].account.address];
  const content = { path, bodyHash: word(body), sender, recipient, sentAt: BEGINS, inReplyTo };
  const { digest, structHash, signature } = await signed(0, "PeerMessage", MESSAGE, content);
  return { message: content, body, structHash, digest, signature };
}

async function signed(index, primaryType, fields, content) {
  const types = { [primaryType]: Object.entries(fields).map(([name, type]) => ({ name, type })) };
  const digest = hashTypedData({ domain: DOMAIN, types, primaryType, message: content });
  return {
    digest,
    structHash: hashStruct({ data: content, types, primaryType }),
    signature: await ATTESTORS[index].account.sign({ hash: digest }),
  };
}

/** As an evidence bundle writes it. */
function observation(index, row) {
  const [at, sequence, hours] = row;
  return {
    source: SOURCE,
    subject: SUBJECT,
    metric: METRIC,
    observed_at: new Date(Number(BEGINS + at) * 1000).toISOString().replace(".000Z", "Z"),
    sequence,
    value: { duration: hours * HOUR },
    provenance: { raw: { hash: rawHash(index, row) } },
  };
}

function leaf([index, row], place) {
  const [at, sequence, hours] = row;
  const value = hours * HOUR * 10n ** 18n;
  return [
    BigInt(place),
    word(SOURCE),
    word(SUBJECT),
    word(METRIC),
    value,
    BEGINS + at,
    sequence,
    0n,
    0n,
    zeroHash,
    rawHash(index, row),
  ];
}

/** Everybody who asks gets other bytes, but for what is archived. */
function rawHash(index, [at, , , archived]) {
  return word(archived ?? `answer to attestor ${index} at ${at}`);
}

/** What all have seen, each once, in the order of the reports. */
function distinct(rows) {
  const seen = new Set();
  return rows.filter(([index, row]) => {
    const hash = rawHash(index, row);
    return !seen.has(hash) && seen.add(hash);
  });
}

function typeString(name, fields) {
  return `${name}(${Object.entries(fields).map(([field, type]) => `${type} ${field}`).join(",")})`;
}

/** RFC 8785, for what holds nothing but texts, small whole numbers, lists and tables: members in order, no white space. */
function canonical(value) {
  if (typeof value === "bigint") return JSON.stringify(value.toString());
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}
