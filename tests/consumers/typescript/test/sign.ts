// Signs requests with the library `http-message-signatures`.

import { createHash, createPrivateKey, randomBytes } from "node:crypto";

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

export const keys: SigningKey[] = [
  createSigner(Buffer.from(signed.hmac_secret), "hmac-sha256", signed.hmac_key),
  ed25519(signed.ed25519_seed),
];

export async function sign(key: SigningKey, method: string, path: string, body?: string) {
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
