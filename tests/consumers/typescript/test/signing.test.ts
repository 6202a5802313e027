// The library `http-message-signatures` signs, and the service takes it, once.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { createSigner } from "http-message-signatures";

import { keys, sign } from "./sign.js";

test("signed requests are answered once", async () => {
  for (const key of keys) {
    for (const [method, path, body] of [
      ["GET", "/v1/caller", undefined],
      ["GET", "/v1/caller?a=b%20c", undefined],
      ["POST", "/v1/caller", '{"number": 7}'],
      ["POST", "/v1/caller", undefined],
    ] as const) {
      const send = await sign(key, method, path, body);
      const answer = await send();
      assert.equal(answer.status, 200, `${key.alg} ${method} ${path}`);
      assert.equal(((await answer.json()) as { key: string }).key, key.id);
      assert.equal((await send()).status, 401);
    }
  }
});

test("another key's signature is refused", async () => {
  const [shared] = keys;
  const wrong = createSigner(randomBytes(32), "hmac-sha256", shared?.id);
  const send = await sign(wrong, "GET", "/v1/caller");
  const answer = await send();
  assert.equal(answer.status, 401);
  assert.equal(((await answer.json()) as { type: string }).type, "/problems/unauthenticated");
});
