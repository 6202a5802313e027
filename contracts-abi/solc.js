#!/usr/bin/env node
// Forge expects a native `solc` binary. This serves the two calls that it makes from the compiler in npm's
// `solc`, so that one `npm ci` fetches everything and no binary is downloaded outside the lock file.
import { readFileSync, writeSync } from "node:fs";
import solc from "solc";

const STDIN = 0;
const STDOUT = 1;

/** Writes everything, also when the reader of the pipe is slower than we are. */
function print(text) {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(STDOUT, bytes, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

if (process.argv.includes("--version")) {
  print(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
  // Forge puts the text of every source into the input, so no import is ever read from disk here.
  print(solc.compile(readFileSync(STDIN, "utf8")));
} else {
  process.stderr.write("solc.js serves only --version and --standard-json\n");
  process.exitCode = 2;
}
