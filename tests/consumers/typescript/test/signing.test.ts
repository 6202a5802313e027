// The library `http-message-signatures` signs, and the service takes it, once.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, randomBytes } from "node:crypto";
import { test } from "node:test";

import { type SigningKey, createSigner, httpbis } from "http-message-signatures";

import { stage } from "./stage.js";

const { signed } = stage;
const ALWAYS = ["@method", "@authority", "@path", "@query"];

/** An ed25519 key is 32 bytes in the smallest of envelopes. */
function ed25519(seed: string): SigningKey {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return createSigner(key, "ed25519", signed.ed25519_key);
}

const keys: SigningKey[] = [
  createSigner(Buffer.from(signed.hmac_secret), "hmac-sha256", signed.hmac_key),
  ed25519(signed.ed25519_seed),
];

async function sign(key: SigningKey, method: string, path: string, body?: string) {
  const headers: Record<string, string> = {};
  const fields = [...ALWAYS];
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers["Content-Digest"] = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    fields.push("content-type", "content-digest");
  }
  if (method !== "GET") {
    headers["Idempotency-Key"] = randomBytes(16).toString("hex");
    fields.push("idempotency-key");
  }
  const created = new Date();
  const request = { method, url: `${signed.api}${path}`, headers };
  const message = await httpbis.signMessage(
    {
      key,
      fields,
      params: ["created", "expires", "nonce", "alg", "keyid", "tag"],
      paramValues: {
        created,
        expires: new Date(created.getTime() + 60_000),
        nonce: randomBytes(16).toString("base64"),
        tag: "tocsin-api-v1",
      },
    },
    request,
  );
  return () => fetch(message.url, { method, headers: message.headers as Record<string, string>, body: body ?? null });
}

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
