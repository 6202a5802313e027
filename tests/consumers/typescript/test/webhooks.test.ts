// The library `standardwebhooks` receives what a running service sends, through a rotation of the secret.

import assert from "node:assert/strict";
import { type IncomingHttpHeaders, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { Webhook, WebhookVerificationError } from "standardwebhooks";

import { keys, sign } from "./sign.js";

interface Seen {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const [key] = keys;
  assert.ok(key);
  const send = await sign(key, method, path, body === undefined ? undefined : JSON.stringify(body));
  const answer = await send();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function until(so: () => boolean): Promise<void> {
  for (let n = 0; !so(); n++) {
    assert.ok(n < 400, "it did not come to be");
    await new Promise((done) => setTimeout(done, 50));
  }
}

test("messages verify before, during and after a rotation", async () => {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  type Secret = { id: string; secret: string };
  const first = await call<Secret>("POST", "/v1/webhooks", { url, filter: { kinds: ["warning.raised"] } });
  const path = `/v1/webhooks/${first.id}`;
  try {
    assert.equal((await call<{ taken: boolean }>("POST", `${path}/test`, {})).taken, true);
    await until(() => seen.length >= 3);
    const second = await call<Secret>("POST", `${path}/secrets`, { overlap_seconds: 600 });
    const rotated = seen.length;
    await until(() => seen.length >= rotated + 15);
    const verify = (secret: string, { headers, body }: Seen) =>
      new Webhook(secret).verify(body, headers as Record<string, string>) as { type: string; seq?: number };
    const told = seen.map((one) => verify(first.secret, one));
    assert.equal(told.filter(({ type }) => type === "webhook.test").length, 1);
    const seqs = told.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
    assert.equal(new Set(seen.map(({ headers }) => headers["webhook-id"])).size, seen.length);
    const last = seen.at(-1);
    assert.ok(last);
    verify(second.secret, last);
    const forged = { ...last, body: Buffer.concat([last.body, Buffer.from(" ")]) };
    assert.throws(() => verify(second.secret, forged), WebhookVerificationError);
  } finally {
    await call("DELETE", path);
    server.close();
  }
});
