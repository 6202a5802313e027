// The published JSON schemas: nothing is read of an answer before it has the form that they promise.

import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";

import { Refusal } from "./refusal.js";

/** Where `docs/schema` is. */
const FOLDER = new URL("../../../../../docs/schema/", import.meta.url);

const NAMES = ["claim", "batch", "attestation", "evidence-bundle", "eas-mirror"] as const;
export type SchemaName = (typeof NAMES)[number];

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
for (const name of NAMES) {
  ajv.addSchema(JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")));
}

/** Refuses what is not of the form. */
export function check(name: SchemaName, value: unknown): void {
  const validate = ajv.getSchema(`urn:tocsin:schema:${name}`);
  if (validate === undefined) throw new Error(`there is no schema ${name}`);
  if (!validate(value)) throw new Refusal("schema", ajv.errorsText(validate.errors));
}
