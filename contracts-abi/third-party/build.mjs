#!/usr/bin/env node
// Writes the creation bytecode of contracts of others to built/, for forge to deploy. EAS and Etherisc publish what their
// compilers made; Chainlink publishes sources, which are compiled here by the compiler that it pins. What is newer than this
// file and the lock file is left alone.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const here = new URL("./", import.meta.url);
const require = createRequire(import.meta.url);
const modules = new URL("node_modules/", here);

const EAS = "@ethereum-attestation-service/eas-contracts/artifacts/contracts";
const GIF_V2 = "@etherisc/gif-contracts/build/contracts";
const PUBLISHED = {
  EAS: `${EAS}/EAS.sol/EAS.json`,
  SchemaRegistry: `${EAS}/SchemaRegistry.sol/SchemaRegistry.json`,
  ComponentController: `${GIF_V2}/ComponentController.json`,
  CoreProxy: `${GIF_V2}/CoreProxy.json`,
  OracleService: `${GIF_V2}/OracleService.json`,
  QueryModule: `${GIF_V2}/QueryModule.json`,
};
const COMPILED = {
  "solc-0.8.26": {
    DataFeedsLegacyAggregatorProxy: "@chainlink/contracts/src/v0.8/data-feeds/test/helpers/DataFeedsLegacyAggregatorProxy.sol",
    FeedConsumer: "@chainlink/contracts/src/v0.8/l2ep/test/FeedConsumer.sol",
  },
};

mkdirSync(new URL("built/", here), { recursive: true });
for (const [name, path] of Object.entries(PUBLISHED)) {
  if (isStale(name)) write(name, `0x${JSON.parse(read(path)).bytecode.replace(/^0x/, "")}`);
}
for (const [compiler, contracts] of Object.entries(COMPILED)) {
  if (!Object.keys(contracts).some(isStale)) continue;
  const output = compile(require(compiler), Object.values(contracts));
  for (const [name, path] of Object.entries(contracts)) {
    write(name, `0x${output.contracts[path][name].evm.bytecode.object}`);
  }
}

function isStale(name) {
  const file = new URL(`built/${name}.json`, here);
  if (!existsSync(file)) return true;
  const sources = ["build.mjs", "package-lock.json"].map((source) => statSync(new URL(source, here)).mtimeMs);
  return statSync(file).mtimeMs < Math.max(...sources);
}

function compile(solc, paths) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(paths.map((path) => [path, { content: read(path) }])),
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) }));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return output;
}

function read(path) {
  return readFileSync(new URL(path, modules), "utf8");
}

function write(name, bytecode) {
  if (!/^0x([0-9a-f]{2})+$/.test(bytecode)) throw new Error(`${name} has no linked bytecode`);
  writeFileSync(new URL(`built/${name}.json`, here), `${JSON.stringify({ bytecode })}\n`);
}
