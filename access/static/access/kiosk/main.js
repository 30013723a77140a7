// The kiosk: what happens when. Each thing it uses stands in a file of its own.

import * as alone from "./alone.js";
import * as bundles from "./bundles.js";
import { Camera } from "./camera.js";
import * as challenge from "./challenge.js";
import * as clock from "./clock.js";
import { Finder } from "./finder.js";
import { Moment, Motion } from "./moment.js";
import * as office from "./office.js";
import * as pad from "./pad.js";
import * as passing from "./passing.js";
import { Reader } from "./reader.js";
import * as screen from "./screen.js";
import { Away, Refused, load, pair, paired, send } from "./server.js";
import * as sound from "./sound.js";
import * as store from "./store.js";
import * as ways from "./ways.js";
import { greet } from "./welcome.js";
import * as words from "./words.js";

const { say } = words;
const EYES = document.body.dataset.eyes === "yes";
const VERSION = document.body.dataset.version;
const LOOK = 60; // milliseconds between two looks
const REPORT = 60_000;
const REPORT_AWAY = 5_000;
const FAILURES = 3; // then other ways in are offered
const GONE = 1_500; // nobody for so long: who comes now is somebody else
const AT_ONCE = 250; // before a picture that could not be judged is taken anew
const FORGIVEN = 60_000; // nobody before the camera for so long, and failures are forgotten

const one = (name) => document.querySelector(`[data-${name}]`);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const camera = new Camera(one("video"));
const moment = new Moment();
const motion = new Motion();
const state = { online: true, queued: 0, failures: 0, seen: 0, since: 0, quiet: 0, retaken: false, sound: true, busy: false };
let finder = null;

const policy = () => paired()?.about.offline ?? "deny";
const zone = () => paired()?.about.zone ?? "UTC";

// --- Views ------------------------------------------------------------------------------------------------

function home() {
  state.busy = false;
  state.quiet = performance.now() + 900;
  if (!paired()) return askForCode();
  screen.show("idle");
  return standing();
}

// What the stage shows while nothing happens.
function standing() {
  if (!state.online) screen.dark("offline_title", offlineWord(), "network");
  else if (!camera.running() && state.started) screen.dark("camera_title", "camera_text", "camera");
  else screen.dark("");
}

// What the door does while there is no network, in a word.
const offlineWord = () =>
  policy() === "deny" || bundles.counts() ? `offline_${policy()}` : "reason_bundle_expired";

function askForCode(text = "") {
  camera.stop();
  screen.show("pair");
  one("pair-wrong").textContent = window.isSecureContext ? text : say("pair_insecure");
}

async function pairWith(code) {
  one("pair-wrong").textContent = "";
  try {
    await pair(code);
    history.replaceState(null, "", location.pathname);
    await begin();
    await reportOnce();
  } catch (error) {
    askForCode(say(error instanceof Away ? "pair_away" : "pair_wrong"));
  }
}

function lost() {
  Promise.all([store.drop("identity"), bundles.drop()]).then(load);
  askForCode(say("unpaired"));
}

// --- The face ---------------------------------------------------------------------------------------------

async function look() {
  for (;;) {
    await pause(LOOK);
    if (screen.view() !== "idle" || state.busy || !camera.running() || document.hidden) continue;
    if (performance.now() < state.quiet || !state.online) continue;
    const faces = finder ? await finder.find(camera.video).catch(() => []) : null;
    const far = challenge.wantsRoom(paired()?.about.liveness);
    const word = faces ? moment.see(faces, far) : motion.see(camera.luma());
    if (screen.view() !== "idle" || state.busy) continue;
    notice(word !== "nobody");
    screen.guide(faces || word !== "nobody" ? word : "tap");
    if (word === "now") await attempt(faces?.length === 1 ? faces[0] : null, !faces);
    if (!finder) await pause(60);
  }
}

function notice(somebody) {
  const now = performance.now();
  if (somebody) {
    if (now - state.seen > GONE) Object.assign(state, { since: now, retaken: false });
    state.seen = now;
  } else if (now - state.seen > FORGIVEN) state.failures = 0;
}

// `guess`: only something moved; that it was nobody is no news to anybody.
async function attempt(nearest, guess = false) {
  state.busy = true;
  screen.guide(guess ? "hold" : "checking");
  const luma = guess ? camera.luma() : null;
  try {
    const demanded = paired().about.liveness;
    const [taken, nonce] = [clock.now(), crypto.randomUUID()];
    const picture = await camera.picture(challenge.wantsRoom(demanded) ? null : nearest);
    const frames = await challenge.answer(camera, nonce, demanded);
    if (!frames) return undefined;
    const answer = await passing.face(picture, { taken, nonce, frames });
    if (guess && answer.reason === "no_face") {
      motion.learn(luma);
      return home();
    }
    // The first time without a word: most often somebody was still moving.
    const again = passing.outcome(answer) === "again" && !challenge.asks(demanded);
    if (again && !state.retaken) return retake();
    performance.measure("face-to-result", { start: state.since || performance.now(), end: performance.now() });
    return answered(answer);
  } catch (error) {
    return failed(error);
  }
}

async function retake() {
  state.retaken = true;
  screen.guide("hold");
  await pause(AT_ONCE);
  return attempt(null);
}

const others = () => ways.others(state.online ? "" : offlineWord());

// --- Answers ----------------------------------------------------------------------------------------------

function answered(answer) {
  if (!answer.alone) reachable(true);
  const outcome = passing.outcome(answer);
  if (outcome === "yes") return welcome(answer);
  if (outcome === "more" && answer.needs?.length) return ways.oneMore(answer);
  state.failures += 1;
  if (answer.reason === "liveness_unjudged") reportOnce(); // the door may ask for something since a moment ago
  const text = words.find(`reason_${answer.reason}`) ?? answer.message;
  const offer = state.failures >= FAILURES || answer.reason === "ambiguous";
  if (outcome === "again" && !offer) {
    sound.play("unsure");
    return screen.result({ kind: "unsure", word: "try_again", text, seconds: 2.2 }, home);
  }
  sound.play("no");
  const word = outcome === "no" ? "no_entry" : "refused";
  const answers = [["again", home, true]];
  if (offer) answers.unshift(["other_way", others, true]);
  return screen.result({ kind: "no", word, text, answers, seconds: offer ? 8 : 3.5 }, home);
}

// --- Card, code, number and PIN: decided by the server, or alone ------------------------------------------

async function show(credentials, after) {
  state.busy = true;
  screen.show("idle");
  if (state.online) screen.guide("checking");
  else screen.dark("checking");
  try {
    answered({ ...(await decided(credentials, after)), given: credentials });
  } catch (error) {
    failed(error);
  }
}

// By the server; where it cannot be reached, by what it told this kiosk before.
async function decided(credentials, after) {
  try {
    if (state.online) return await passing.shown(credentials, after);
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    reachable(false);
  }
  const answer = await alone.shown(credentials);
  await count();
  return { ...answer, note: say("noted_offline") };
}

// --- Yes ---------------------------------------------------------------------------------------------------

function welcome(answer) {
  state.failures = 0;
  greet(answer, { zone: zone(), home, afterwards });
}

// Whoever passed still stands there for a moment; they are not asked a second time.
function afterwards() {
  home();
  state.quiet = performance.now() + 2_500;
}

function failed(error) {
  if (error instanceof Refused && error.status === 401) return lost();
  if (error instanceof Away) {
    reachable(false);
    return home();
  }
  sound.play("unsure");
  return screen.result({ kind: "unsure", word: "try_again", text: say("reason_worker_failed"), seconds: 3 }, home);
}

// --- The network ------------------------------------------------------------------------------------------

function reachable(online) {
  const changed = state.online !== online;
  state.online = online;
  screen.network(online, state.queued);
  if (changed && screen.view() === "idle" && !state.busy) standing();
}

async function count() {
  state.queued = await alone.waiting();
  screen.network(state.online, state.queued);
}

async function report() {
  for (;;) {
    if (paired()) await reportOnce();
    await pause(state.online ? REPORT : REPORT_AWAY);
  }
}

async function reportOnce() {
  try {
    const about = await send("POST", "/api/v1/kiosk/report/", {
      version: VERSION,
      queued: state.queued,
      clock_offset_ms: clock.offsetNow(),
    });
    await store.put("offset", clock.offsetNow());
    const identity = paired();
    identity.about = { ...identity.about, ...about };
    await store.put("identity", identity);
    screen.place(about);
    reachable(true);
    await exchange(about.bundle);
  } catch (error) {
    if (error instanceof Away) reachable(false);
    else if (error instanceof Refused && error.status === 401) lost();
  }
  await bundles.dropExpired();
  await count();
}

// What was done alone is told first: what may be done alone next depends on it. What fails here is tried again
// with the next report, and no reason to take the network for gone.
async function exchange(tag) {
  try {
    await alone.tell();
    await bundles.renew(tag);
  } catch (error) {
    if (!(error instanceof Away || error instanceof Refused)) throw error;
  }
}

// --- What is tapped ---------------------------------------------------------------------------------------

const ACTS = {
  home,
  other: others,
  pin: ways.askNumberAndPin,
  code: () => ways.askForCard(),
  settings: () => {
    office.ask({ away: failed, facts, sound: setSound });
    ways.goHomeAfter(45);
  },
  start: () => begin(true),
  full: () => document.documentElement.requestFullscreen().catch(() => undefined),
  sound: office.toggleSound,
  leave: () => {
    camera.stop();
    return office.leave();
  },
  unpair: () => office.unpair(state.queued),
};

const facts = () => ({ version: VERSION, queued: state.queued, eyes: Boolean(finder), sound: state.sound });

async function setSound(on) {
  state.sound = on;
  sound.mute(!on);
  await store.put("sound", on);
}

// --- The beginning ----------------------------------------------------------------------------------------

async function begin(touched = false) {
  screen.place(paired().about);
  // A login left behind on this tablet ends: what hangs on a wall has none.
  fetch("/kiosk/forget-login/", { method: "POST", credentials: "same-origin" }).catch(() => undefined);
  if (touched) {
    sound.wake();
    if (matchMedia("(display-mode: browser)").matches) ACTS.full();
  }
  await camera.start().catch(() => undefined);
  state.started = true;
  home();
  await stayAwake();
}

async function stayAwake() {
  await navigator.wakeLock?.request("screen").catch(() => undefined);
}

function listen() {
  document.addEventListener("click", (event) => {
    sound.wake();
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act) ACTS[act]?.();
    else if (event.target.closest("[data-stage]") && screen.view() === "idle" && !state.busy && state.online) {
      notice(true);
      attempt(null);
    }
  });
  const reader = new Reader((card) => show({ card }));
  document.addEventListener("keydown", (event) => {
    if (screen.view() === "pad") pad.pressed(event);
    else if (["idle", "other", "code"].includes(screen.view()) && !state.busy) reader.pressed(event);
  });
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden || !paired()) return;
    await stayAwake();
    if (!camera.running()) await camera.start().catch(() => undefined);
  });
  one("notice").addEventListener("click", (event) => event.preventDefault()); // a phone follows the code; the kiosk stays
  one("video").addEventListener("lost", () => setTimeout(() => camera.start().then(home, standing), 2_000));
  one("pair-form").addEventListener("submit", (event) => {
    event.preventDefault();
    pairWith(new FormData(event.target).get("code"));
  });
  addEventListener("online", reportOnce);
  addEventListener("offline", () => reachable(false));
}

function languages() {
  const made = words.LANGUAGES.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = name;
    button.textContent = words.NAMES[name];
    button.addEventListener("click", () => speak(name));
    return button;
  });
  one("languages").replaceChildren(...made);
}

async function speak(name) {
  await words.choose(name);
  await store.put("language", name);
  for (const button of one("languages").children) button.setAttribute("aria-pressed", String(button.lang === name));
  one("stage").dataset.guideWord = "";
  one("clock").textContent = "";
  screen.network(state.online, state.queued);
  if (screen.view() === "idle") standing();
}

async function start() {
  ways.use({ camera, eyes: EYES, home, show });
  if (window.isSecureContext) {
    navigator.serviceWorker?.register("/kiosk/worker.js", { scope: "/kiosk/" }).catch(() => undefined);
    await navigator.storage?.persist?.().catch(() => undefined);
  }
  listen();
  languages();
  await speak((await store.get("language")) ?? words.preferred());
  state.sound = (await store.get("sound")) ?? true;
  sound.mute(!state.sound);
  clock.remember((await store.get("offset")) ?? 0);
  setInterval(() => screen.clock(clock.now(), zone(), words.current()), 500);
  const code = new URLSearchParams(location.hash.slice(1)).get("pair");
  await load();
  await alone.load();
  if (paired()) await bundles.load();
  state.queued = await alone.waiting();
  if (code && !paired()) await pairWith(code);
  else if (paired()) await begin();
  else askForCode();
  report();
  look();
  Finder.open(EYES).then((found) => {
    finder = found;
    document.body.dataset.finder = found ? "here" : "there";
  });
}

start();
