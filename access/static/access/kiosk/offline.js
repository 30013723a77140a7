// What the kiosk decides by itself while it cannot reach the server: access/policy/offline.py in another language.
// Both pass tests/vectors/offline.json; change them together.

const CLOCK_BEHIND = 120_000;
const MOST_FAILURES = 5;
const DUPLICATE = 60_000;
const LONGEST_STAY = 16 * 3_600_000;

const refused = (reason) => ({ granted: false, reason, person: null, direction: "", credential: "" });
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);

export async function decide(bundle, attempt, now) {
  const early = moment(bundle, now);
  if (early) return refused(early);
  const [person, credential] = await holder(bundle, attempt);
  if ((attempt.failures ?? 0) >= MOST_FAILURES) return refused("too_many_tries");
  if (!person || !(await pinFits(person, attempt))) return refused("credential_refused");
  if (!enough(bundle.needs, attempt)) return refused("second_factor_needed");
  const late = hours(person, now);
  if (late) return refused(late);
  const direction = nextDirection(bundle.direction, person.last, now);
  return { granted: true, reason: "ok", person: person.person, direction, credential };
}

function moment(bundle, now) {
  if (bundle.needs === "never") return "offline_denied";
  if (now < bundle.issued - CLOCK_BEHIND) return "clock_untrusted";
  return now >= bundle.expires ? "bundle_expired" : null;
}

export async function cardDigest(salt, number) {
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", salt, how, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, utf8(number.replace(/\s+/g, "").toLowerCase()));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function holder(bundle, attempt) {
  if (attempt.card) {
    const digest = await cardDigest(bytes(bundle.card_salt), attempt.card);
    for (const person of bundle.people) {
      for (const card of person.cards) if (card.digest === digest) return [person, `card:${card.key}`];
    }
    return [null, ""];
  }
  const badge = (attempt.badge ?? "").toLowerCase();
  return [bundle.people.find((person) => person.badge.toLowerCase() === badge) ?? null, "pin"];
}

async function pinFits(person, attempt) {
  if (!attempt.pin) return Boolean(attempt.card);
  if (!person.pin) return false;
  const key = await crypto.subtle.importKey("raw", utf8(attempt.pin), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(person.pin.salt), iterations: person.pin.rounds };
  const given = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
  const wanted = bytes(person.pin.hash);
  return given.length === wanted.length && given.reduce((differ, byte, i) => differ | (byte ^ wanted[i]), 0) === 0;
}

function enough(needs, attempt) {
  if (needs === "any") return true;
  return Boolean(attempt.pin) && (needs === "pin" || Boolean(attempt.card));
}

function hours(person, now) {
  if (now < (person.from ?? 0) || (person.until !== null && now >= person.until)) return "not_valid_now";
  return person.windows.some(([start, end]) => start <= now && now < end) ? null : "outside_hours";
}

export function nextDirection(setting, last, now) {
  if (setting !== "auto") return setting;
  if (!last || !(now - last.at >= 0 && now - last.at < LONGEST_STAY)) return "in";
  if (now - last.at < DUPLICATE) return last.direction;
  return last.direction === "in" || last.direction === "break_in" ? "out" : "in";
}
