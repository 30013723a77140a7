// Every request of this page: signed with the kiosk's own key, with a time limit, and without any login's cookie.

import { base64, base64url, hex, utf8 } from "./bytes.js";
import * as clock from "./clock.js";
import * as store from "./store.js";

// The server cannot be reached, or is broken: not what it decided, but that it decided nothing.
export class Away extends Error {}

// The server answered, and it was no.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || "error";
    this.errors = problem.errors || {};
  }
}

const CURVE = { namedCurve: "P-256" };
let identity = null;

export async function load() {
  identity = (await store.get("identity")) ?? null;
  return identity;
}

export const paired = () => identity;

async function ask(path, options, limit) {
  const left = performance.now();
  let response;
  try {
    response = await fetch(path, {
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(limit),
      ...options,
    });
  } catch {
    throw new Away("no answer");
  }
  const back = performance.now();
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (response.status >= 500 || response.status === 429) throw new Away(`HTTP ${response.status}`);
  const text = await response.text().catch(() => "");
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    throw new Away("not an answer of ours"); // a captive portal, for instance
  }
  if (body.now) clock.measured(Date.parse(body.now), left, back);
  // The Date header tells whole seconds: good enough to sign again, half a second late on average.
  else if (body.code === "clock" && date) clock.measured(date + 500, left, back);
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

export async function pair(code) {
  const signing = await crypto.subtle.generateKey({ name: "ECDSA", ...CURVE }, false, ["sign", "verify"]);
  const agreement = await crypto.subtle.generateKey({ name: "ECDH", ...CURVE }, false, ["deriveBits"]);
  const spki = async (key) => base64(await crypto.subtle.exportKey("spki", key.publicKey));
  const answer = await ask(
    "/api/v1/kiosk/pair/",
    {
      method: "POST",
      // The one request with cookies: it ends the login of whoever holds the tablet.
      credentials: "same-origin",
      headers: { Authorization: `Pairing ${code}`, "Content-Type": "application/json" },
      body: JSON.stringify({ signing: await spki(signing), agreement: await spki(agreement) }),
    },
    15_000,
  );
  identity = { key: answer.key, server: answer.server, signing, agreement, about: answer };
  await store.put("identity", identity);
  return identity;
}

async function authorization(method, path, body) {
  const time = Math.round(clock.now());
  const nonce = crypto.randomUUID();
  const digest = hex(await crypto.subtle.digest("SHA-256", body));
  const lines = ["lintel-1", method, path, String(time), nonce, digest].join("\n");
  const how = { name: "ECDSA", hash: "SHA-256" };
  const signature = base64url(await crypto.subtle.sign(how, identity.signing.privateKey, utf8(lines)));
  return `Kiosk-Signed key="${identity.key}", time="${time}", nonce="${nonce}", signature="${signature}"`;
}

// `form` is a FormData, or a value to be sent as JSON, or undefined.
export async function send(method, path, form, limit = 8_000) {
  let body = new ArrayBuffer(0);
  const headers = {};
  if (form instanceof FormData) {
    const encoded = new Response(form); // the browser writes the multipart; its bytes are what is signed
    headers["Content-Type"] = encoded.headers.get("Content-Type");
    body = await encoded.arrayBuffer();
  } else if (form !== undefined) {
    headers["Content-Type"] = "application/json";
    body = utf8(JSON.stringify(form)).buffer;
  }
  for (let attempt = 0; ; attempt += 1) {
    headers.Authorization = await authorization(method, path, body);
    try {
      return await ask(path, { method, headers, body: method === "GET" ? undefined : body }, limit);
    } catch (error) {
      // The answer told the time; a clock that was off is right at the second try.
      if (!(error instanceof Refused && error.code === "clock" && attempt === 0)) throw error;
    }
  }
}
