// What the kiosk does without the network: decides by its bundle, keeps what it did, and tells it when it is back.
// Nothing opens before it is on the disk; nothing leaves the disk before the server has said that it has it.

import * as bundles from "./bundles.js";
import * as clock from "./clock.js";
import { decide } from "./offline.js";
import { paired, send } from "./server.js";
import * as store from "./store.js";

const BOOT = crypto.randomUUID(); // this life of the page: what its monotonic clock belongs to
const BATCH = 200;
const LIMIT = 60_000;
const SETTLED = new Set(["stored", "duplicate"]);

// The line of events of this tablet and its last number; who went last which way; wrong PINs in a row.
let memory = null;
let telling = null;
const stuck = new Set(); // what the server would not have: kept, and not told again by this life of the page

const fresh = () => ({ line: crypto.randomUUID(), seq: 0, last: {}, failures: {} });
const place = () => ["site", "door", "kiosk"].map((part) => paired().about[part]).join(" / ");

export async function load() {
  const kept = await store.get("memory");
  memory = kept ? await store.unseal(kept, "memory").catch(fresh) : fresh();
}

export const waiting = () => store.countEvents();

// The decision on a card, or a badge number and PIN, in the form of the server's answers.
export async function shown(credentials) {
  const now = Math.round(clock.now());
  const whose = credentials.card ? "card" : (credentials.badge ?? "").toLowerCase();
  const bundle = bundles.current();
  const verdict = bundle
    ? await decide(brought(bundle), { ...credentials, failures: memory.failures[whose] ?? 0 }, now)
    : nothing(paired().about.offline === "deny" ? "offline_denied" : "bundle_expired");
  remember(verdict, whose, now);
  await store.keepEvent(event(verdict, bundle, credentials, now), memory);
  return answer(verdict, bundle, credentials, now);
}

const nothing = (reason) => ({ granted: false, reason, person: null, direction: "", credential: "", duress: false });

// The bundle, with who went which way since it was made.
function brought(bundle) {
  const people = bundle.people.map((person) => {
    const last = memory.last[person.person];
    return last && last.at > (person.last?.at ?? 0) ? { ...person, last } : person;
  });
  return { ...bundle, people };
}

function remember({ granted, reason, person, direction }, whose, at) {
  memory.seq += 1;
  if (granted) {
    memory.last[person] = { direction, at };
    delete memory.failures[whose];
  } else if (reason === "credential_refused" && whose !== "card") {
    memory.failures[whose] = (memory.failures[whose] ?? 0) + 1;
  }
}

function event(verdict, bundle, credentials, at) {
  return {
    ...verdict,
    id: crypto.randomUUID(),
    line: memory.line,
    seq: memory.seq,
    boot: BOOT,
    wall: Date.now(),
    ticks: Math.round(performance.now()),
    at,
    anchored: clock.known(),
    bundle: bundle?.issued ?? null,
    shown: ["card", "badge", "pin"].filter((part) => credentials[part]),
    place: place(), // not told: a tablet that was given to another door keeps what it did at this one
  };
}

function answer({ granted, reason, person, direction }, bundle, credentials, at) {
  const missing = credentials.card ? "pin" : "card";
  return {
    granted,
    reason,
    person: granted ? { name: bundle.people.find((one) => one.person === person).name } : null,
    direction: direction || null,
    at: new Date(at).toISOString(),
    needs: reason === "second_factor_needed" ? [missing] : [],
    alone: true,
  };
}

// Tells what waits, if anything does. One at a time: whoever asks meanwhile waits for the same end.
export function tell() {
  telling ??= tellAll().finally(() => {
    telling = null;
  });
  return telling;
}

async function tellAll() {
  memory.failures = {}; // the server counts tries from here on
  for (;;) {
    const events = (await store.events(BATCH, stuck)).filter((one) => one.place === place() || !stuck.add(one.id));
    if (!events.length) return;
    const left = (await store.countEvents()) - events.length;
    const told = {
      boot: BOOT,
      wall: Date.now(),
      ticks: Math.round(performance.now()),
      left,
      events: events.map(({ place: _kept, ...one }) => one),
    };
    const { results } = await send("POST", "/api/v1/kiosk/events/", told, LIMIT);
    const settled = results.filter(({ result }) => SETTLED.has(result)).map(({ id }) => id);
    await store.dropEvents(settled);
    for (const { id } of events) if (!settled.includes(id)) stuck.add(id);
  }
}
