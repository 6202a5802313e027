// Each claim is paid once, whatever is asked twice and wherever the service dies.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Book } from "../src/book.js";
import { PayoutService } from "../src/payout.js";
import { FileBank, answers, folder, registry, stage, terms } from "./stage.js";

function service(book: Book, bank: FileBank, api = stage.api) {
  return new PayoutService(api, terms, registry, book, bank);
}

/** Losses that are owed: all but those that were stopped. */
async function owed() {
  const found = await answers();
  return found.filter(({ policy }) => policy !== stage.revoked && policy !== stage.held);
}

test("every genuine claim is paid once, and what was revoked or held is not", async () => {
  const [book, bank] = [new Book(folder()), new FileBank()];
  const outcomes = await service(book, bank).run();
  const reasons = outcomes.flatMap((outcome) => ("refused" in outcome ? [outcome.refused.reason] : []));
  assert.deepEqual(reasons.sort(), ["held", "revoked"]);

  const expected = await owed();
  const keys = bank.payments().map(({ key }) => key);
  assert.deepEqual(keys.sort(), expected.map(({ claim_key }) => claim_key).sort());
  assert.ok(expected.some(({ batch }) => batch === null) && expected.some(({ batch }) => batch !== null));
  for (const { amount } of bank.payments()) assert.equal(amount, "1000000");

  const again = await service(book, bank).run();
  assert.equal(again.filter((outcome) => "known" in outcome).length, expected.length);
  assert.equal(bank.payments().length, expected.length);
});

test("a service that dies after the bank has paid pays nothing twice", async () => {
  const [where, bank] = [folder(), new FileBank()];
  bank.breaksOff = true;
  await assert.rejects(service(new Book(where), bank).run(), /the line to the bank is dead/);
  assert.equal(bank.payments().length, 1);
  assert.equal(new Book(where).open().length, 1);

  bank.breaksOff = false;
  await service(new Book(where), bank).run();
  assert.equal(new Book(where).open().length, 0);
  assert.equal(bank.payments().length, (await owed()).length);
});

test("two services with one book pay each claim once between them", async () => {
  const [where, bank] = [folder(), new FileBank()];
  await Promise.all([service(new Book(where), bank).run(), service(new Book(where), bank).run()]);
  assert.equal(bank.payments().length, (await owed()).length);
});

test("a node that does not answer is a trouble and no refusal", async () => {
  const silent = service(new Book(folder()), new FileBank(), "http://127.0.0.1:9/");
  await assert.rejects(silent.run(), /fetch failed/);
});
