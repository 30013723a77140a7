// What the kiosk decides by itself while it cannot reach the server: access/policy/offline.py in another language.
// Both pass tests/vectors/offline.json; change them together.

const CLOCK_BEHIND = 120_000;
const MOST_FAILURES = 5;
const DUPLICATE = 60_000;
const LONGEST_STAY = 16 * 3_600_000;

const refused = (reason) => ({ granted: false, reason, person: null, direction: "", credential: "", duress: false });
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);

export async function decide(bundle, attempt, now) {
  const early = moment(bundle, now);
  if (early) return refused(early);
  const [person, credential] = await holder(bundle, attempt, now);
  if ((attempt.failures ?? 0) >= MOST_FAILURES) return refused("too_many_tries");
  const by = person ? await fitting(person, attempt) : "";
  if (!by) return refused("credential_refused");
  const window = person.windows.find(([start, end]) => start <= now && now < end);
  // An hour may ask for more than the door does.
  if (!enough(window?.[2] ?? bundle.needs, attempt)) return refused("second_factor_needed");
  if (now < (person.from ?? 0) || (person.until !== null && now >= person.until)) return refused("not_valid_now");
  if (!window) return refused("outside_hours");
  const direction = nextDirection(bundle.direction, person.last, now);
  return { granted: true, reason: "ok", person: person.person, direction, credential, duress: by === "duress" };
}

function moment(bundle, now) {
  if (bundle.needs === "never") return "offline_denied";
  if (now < bundle.issued - CLOCK_BEHIND) return "clock_untrusted";
  return now >= bundle.expires ? "bundle_expired" : null;
}

async function cardDigest(salt, number) {
  const core = await crypto.subtle.digest("SHA-256", utf8(number.replace(/\s+/g, "").toLowerCase()));
  const key = await crypto.subtle.importKey("raw", salt, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, core);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function holder(bundle, attempt, now) {
  if (attempt.card) {
    const digest = await cardDigest(bytes(bundle.card_salt), attempt.card);
    for (const person of bundle.people) {
      const card = person.cards.find((one) => one.digest === digest);
      if (card) return card.until !== null && now >= card.until ? [null, ""] : [person, `card:${card.key}`];
    }
    return [null, ""];
  }
  const badge = (attempt.badge ?? "").toLowerCase();
  return [bundle.people.find((person) => person.badge.toLowerCase() === badge) ?? null, "pin"];
}

// By which secret: "pin", "duress", or "card" alone; "" if it is wrong.
async function fitting(person, attempt) {
  if (!attempt.pin) return attempt.card ? "card" : "";
  for (const name of ["pin", "duress"]) {
    if (person[name] && (await fits(attempt.pin, person[name]))) return name;
  }
  return "";
}

async function fits(pin, { salt, rounds, hash }) {
  const key = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: rounds };
  const given = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
  const wanted = bytes(hash);
  return given.length === wanted.length && given.reduce((differ, byte, i) => differ | (byte ^ wanted[i]), 0) === 0;
}

function enough(needs, attempt) {
  const [card, pin] = [Boolean(attempt.card), Boolean(attempt.pin)];
  return { any: card || pin, card, pin, card_and_pin: card && pin }[needs] ?? false;
}

export function nextDirection(setting, last, now) {
  if (setting !== "auto") return setting;
  if (!last || !(now - last.at >= 0 && now - last.at < LONGEST_STAY)) return "in";
  if (now - last.at < DUPLICATE) return last.direction;
  return last.direction === "in" || last.direction === "break_in" ? "out" : "in";
}
