#!/usr/bin/env node
// Compares the calls between our adapters and contracts of others with the ABI that the others publish: names, types and
// order, in and out. For protocols whose contracts cannot be set up in a test, this is what shows that the shapes are theirs.
import { readFileSync } from "node:fs";

const here = new URL("./", import.meta.url);
const theirs = (path) => JSON.parse(readFileSync(new URL(`node_modules/${path}`, here), "utf8"));
const ours = (source, name) => JSON.parse(readFileSync(new URL(`out/${source}.sol/${name}.json`, here), "utf8"));

const GIF = "@etherisc/gif-next/artifacts/contracts";
const GIF_V2 = "@etherisc/gif-contracts/build/contracts";
const CALLBACKS = ["proposal", "approval", "decline", "suspend", "resume", "pause", "unpause", "archive"];
const COMPONENT_CALLS = [
  ...["setId", "getName", "getId", "getType", "getState", "getOwner", "getRegistry"],
  ...["isProduct", "isOracle", "isRiskpool"],
  ...CALLBACKS.map((name) => `${name}Callback`),
];
const EAS = "@ethereum-attestation-service/eas-contracts/artifacts/contracts";
const EAS_CALLS = ["isPayable", "version", "attest", "multiAttest", "revoke", "multiRevoke"];
const CHECKS = [
  { ours: ["GifV3Responder", "IGifV3Oracle"], theirs: `${GIF}/oracle/BasicOracle.sol/BasicOracle.json`, calls: ["respond"] },
  { ours: ["GifV2Oracle", "IGifV2Query"], theirs: `${GIF_V2}/QueryModule.json`, calls: ["getProcessId"] },
  { ours: ["GifV2Oracle", "IGifV2OracleService"], theirs: `${GIF_V2}/OracleService.json`, calls: ["respond"] },
  { ours: ["GifV2Component", "IGifV2InstanceService"], theirs: `${GIF_V2}/InstanceService.json`, calls: ["getComponentState"] },
  { ours: ["GifV2Oracle", "GifV2Oracle"], theirs: `${GIF_V2}/AyiiOracle.json`, calls: COMPONENT_CALLS },
  { ours: ["GifV2Oracle", "GifV2Oracle"], theirs: `${GIF_V2}/AyiiOracle.json`, calls: ["request"] },
  {
    ours: ["GifV3Responder", "IGifV3InstanceReader"],
    theirs: `${GIF}/instance/InstanceReader.sol/InstanceReader.json`,
    calls: ["getRequestInfo", "getRequestState"],
  },
  {
    ours: ["EasMirrorResolver", "EasMirrorResolver"],
    theirs: `${EAS}/resolver/ISchemaResolver.sol/ISchemaResolver.json`,
    calls: EAS_CALLS,
  },
];

let compared = 0;
for (const { ours: [source, name], theirs: path, calls } of CHECKS) {
  const mine = ours(source, name).abi;
  const published = theirs(path).abi;
  for (const call of calls) {
    const left = shape(mine, call, name);
    const right = shape(published, call, path);
    if (left !== right) throw new Error(`${call}: ours is ${left}, theirs is ${right}`);
    compared += 1;
  }
}
console.log(`${compared} calls have the shape that is published`);

function shape(abi, call, where) {
  const found = abi.filter(({ type, name }) => type === "function" && name === call);
  if (found.length !== 1) throw new Error(`${where} has ${found.length} functions named ${call}`);
  const [{ inputs, outputs, stateMutability }] = found;
  return `${call}(${inputs.map(typeOf)}) → (${outputs.map(typeOf)}) ${stateMutability === "payable" ? "payable" : ""}`;
}

function typeOf({ type, components }) {
  return components ? type.replace("tuple", `(${components.map(typeOf)})`) : type;
}
