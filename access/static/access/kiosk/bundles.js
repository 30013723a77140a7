// What this kiosk may decide by without the network: fetched while there is one, sealed to a key that never leaves
// this tablet, signed by the server, and worth nothing after its end. On the disk it lies as it came: sealed.

import { fromBase64, utf8 } from "./bytes.js";
import * as clock from "./clock.js";
import { paired, send } from "./server.js";
import * as store from "./store.js";

const PURPOSE = "lintel offline bundle 1";
const FRESH = 10 * 60_000; // renewed so often even if nobody's rights changed: it tells who is in and who is out

let held = null; // { tag, got, content }

export const current = () => held?.content ?? null;

// Whether there is one and it counts at this moment.
export const counts = () => Boolean(held) && clock.now() < held.content.expires;

// What lies on the disk from an earlier life of the page.
export async function load() {
  const kept = await store.get("bundle");
  held = null;
  if (kept) await open(kept).catch(() => store.drop("bundle"));
}

// `tag`: as the server says that a bundle made now would be called.
export async function renew(tag) {
  if (held && held.tag === tag && clock.now() - held.got < FRESH) return;
  const answer = await send("GET", "/api/v1/kiosk/bundle/");
  const kept = { tag: answer.tag, got: clock.now(), answer };
  await open(kept);
  await store.put("bundle", kept);
}

export async function drop() {
  held = null;
  await store.drop("bundle");
}

export async function dropExpired() {
  if (held && !counts()) await drop();
}

async function open(kept) {
  const [ephemeral, iv, sealed, signature] = ["ephemeral", "iv", "sealed", "signature"].map((part) =>
    fromBase64(kept.answer[part]),
  );
  const { key, server, agreement } = paired();
  const digest = Uint8Array.from(key.match(/../g), (byte) => Number.parseInt(byte, 16));
  const inner = await crypto.subtle.digest("SHA-256", joined(ephemeral, iv, sealed));
  const said = joined(utf8(PURPOSE), digest, new Uint8Array(inner));
  const curve = { namedCurve: "P-256" };
  const signer = await crypto.subtle.importKey("spki", fromBase64(server), { name: "ECDSA", ...curve }, false, ["verify"]);
  if (!(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, signer, signature, said))) {
    throw new Error("not from our server");
  }
  const other = await crypto.subtle.importKey("spki", ephemeral, { name: "ECDH", ...curve }, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: other }, agreement.privateKey, 256);
  const base = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const secret = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: digest, info: utf8(PURPOSE) },
    base,
    { name: "AES-GCM", length: 256 },
    false,
    ["decrypt"],
  );
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(PURPOSE) }, secret, sealed);
  held = { tag: kept.tag, got: kept.got, content: JSON.parse(new TextDecoder().decode(plain)) };
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
