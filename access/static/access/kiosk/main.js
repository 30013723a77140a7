// The kiosk: what happens when. Each thing it uses stands in a file of its own.

import { Camera } from "./camera.js";
import * as challenge from "./challenge.js";
import * as clock from "./clock.js";
import * as codes from "./codes.js";
import { Finder } from "./finder.js";
import { Moment, Motion } from "./moment.js";
import * as pad from "./pad.js";
import * as passing from "./passing.js";
import * as screen from "./screen.js";
import { Away, Refused, load, pair, paired, send } from "./server.js";
import * as sound from "./sound.js";
import * as store from "./store.js";
import * as words from "./words.js";

const { say } = words;
const EYES = document.body.dataset.eyes === "yes";
const VERSION = document.body.dataset.version;
const LOOK = 60; // milliseconds between two looks
const REPORT = 60_000;
const REPORT_AWAY = 5_000;
const FAILURES = 3; // then other ways in are offered
const FORGIVEN = 60_000; // nobody before the camera for so long, and failures are forgotten
const REASONS = ["business", "medical", "training", "private", "forgotten", "other"];

const one = (name) => document.querySelector(`[data-${name}]`);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const camera = new Camera(one("video"));
const moment = new Moment();
const motion = new Motion();
const state = { online: true, queued: 0, failures: 0, seen: 0, since: 0, quiet: 0, sound: true, busy: false };
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
  if (!camera.running() && state.started) screen.dark("camera_title", "camera_text");
  else screen.dark("");
}

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
  } catch (error) {
    askForCode(say(error instanceof Away ? "pair_away" : "pair_wrong"));
  }
}

function lost() {
  store.drop("identity").then(load);
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
    if (now - state.seen > 1_500) state.since = now;
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
    performance.measure("face-to-result", { start: state.since || performance.now(), end: performance.now() });
    return answered(answer);
  } catch (error) {
    return failed(error);
  }
}

// --- Answers ----------------------------------------------------------------------------------------------

function answered(answer) {
  reachable(true);
  const outcome = passing.outcome(answer);
  if (outcome === "yes") return welcome(answer);
  if (outcome === "more" && answer.needs?.length) return oneMore(answer);
  state.failures += 1;
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

// --- Card, code, number and PIN ----------------------------------------------------------------------------

function others() {
  one("other-text").textContent = state.online ? "" : say(`offline_${policy()}`);
  screen.show("other");
  goHomeAfter(20);
}

let idle = 0;

// Whoever walks away leaves no half-typed number behind.
function goHomeAfter(seconds) {
  clearTimeout(idle);
  const from = screen.view();
  idle = setTimeout(() => {
    if (screen.view() === from && from !== "idle") home();
  }, seconds * 1000);
}

function askNumberAndPin() {
  screen.show("pad");
  goHomeAfter(45);
  pad.ask({
    title: "pin_number",
    letters: true,
    done: (badge) =>
      pad.ask({ title: "pin_pin", secret: true, done: (pin) => show({ badge, pin }) }),
  });
}

async function askForCard(after, also = {}) {
  if (!camera.running() || !(await codes.canRead(EYES))) {
    one("code-wrong").textContent = say("code_none");
  } else one("code-wrong").textContent = "";
  screen.show("code");
  goHomeAfter(20);
  while (screen.view() === "code") {
    const card = await codes.read(camera);
    if (card && screen.view() === "code") return show({ ...also, card }, after);
    await pause(120);
  }
  return undefined;
}

// The face was right; the door asks for one thing more.
function oneMore(answer) {
  sound.play("unsure");
  if (answer.needs.includes("card") && answer.needs.includes("pin")) return askForEither(answer);
  const more = answer.needs.includes("pin") ? "pin" : answer.needs[0];
  if (more === "card") return askForCard(answer.step);
  if (more === "badge_pin") return askNumberAndPin();
  if (more === "face") return home();
  return askForThePin(answer);
}

function askForEither(answer) {
  screen.result(
    {
      kind: "unsure",
      word: "one_more",
      text: say("one_more_either"),
      answers: [
        ["one_more_pin", () => askForThePin(answer), true],
        ["one_more_card", () => askForCard(answer.step, answer.given)],
      ],
      seconds: 15,
    },
    home,
  );
}

function askForThePin(answer) {
  screen.show("pad");
  goHomeAfter(25);
  return pad.ask({
    title: "pin_pin",
    secret: true,
    done: (pin) => show({ ...answer.given, pin }, answer.step ?? undefined),
  });
}

async function show(credentials, after) {
  state.busy = true;
  screen.show("idle");
  screen.guide("checking");
  try {
    answered({ ...(await passing.shown(credentials, after)), given: credentials });
  } catch (error) {
    failed(error);
  }
}

// --- Yes ---------------------------------------------------------------------------------------------------

function welcome(answer) {
  state.failures = 0;
  sound.play("yes");
  const out = answer.direction === "out" || answer.direction === "break_out";
  const name = answer.person?.name.split(" ")[0];
  const answers = [["done", home, true]];
  if (answer.id) {
    answers.push(["why", () => askWhy(answer)], ["not_me", () => notMe(answer)]);
  }
  screen.result(
    {
      kind: "yes",
      word: `${out ? "goodbye" : "hello"}${name ? "" : "_plain"}`,
      values: { name },
      text: answer.note ?? "",
      way: answer.direction || undefined,
      when: screen.time(Date.parse(answer.punch?.at ?? answer.at), zone(), words.current()),
      today: answer.today_minutes ?? undefined,
      answers,
      seconds: 5,
    },
    afterwards,
  );
}

// Whoever passed still stands there for a moment; they are not asked a second time.
function afterwards() {
  home();
  state.quiet = performance.now() + 2_500;
}

function askWhy(answer) {
  const tell = async (why) => {
    screen.answers([]);
    await passing.remark(answer.id, why).catch(() => undefined);
    screen.answers([["done", home, true]], say("why_done"));
    screen.stay(2);
  };
  screen.answers(REASONS.map((why) => [`why_${why}`, () => tell(why)]));
  screen.stay(10);
}

async function notMe(answer) {
  screen.answers([]);
  await passing.notMe(answer.id).catch(() => undefined);
  screen.answers([["done", home, true]], say("not_me_done"));
  screen.stay(4);
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
  if (changed && screen.view() === "idle") standing();
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
  } catch (error) {
    if (error instanceof Away) reachable(false);
    else if (error instanceof Refused && error.status === 401) lost();
  }
}

// --- Settings ---------------------------------------------------------------------------------------------

function askForPin() {
  screen.show("pad");
  goHomeAfter(45);
  pad.ask({
    title: "pin_admin",
    secret: true,
    done: async (pin) => {
      try {
        const answer = await send("POST", "/api/v1/kiosk/unlock/", { pin });
        if (answer.unlocked) return settings();
        const seconds = answer.after ? Math.ceil((Date.parse(answer.after) - clock.now()) / 1000) : 0;
        return pad.wrong(seconds > 0 ? say("pin_wait", { seconds }) : say("pin_wrong"));
      } catch (error) {
        return error instanceof Away ? pad.wrong(say("pair_away")) : failed(error);
      }
    },
  });
}

function settings() {
  const about = paired().about;
  const facts = [
    ["settings_kiosk", about.kiosk],
    ["settings_door", `${about.site} · ${about.door}`],
    ["settings_version", VERSION],
    ["settings_clock", `${(clock.offsetNow() / 1000).toFixed(1)} s`],
    ["settings_queue", String(state.queued)],
    ["settings_eyes", say(finder ? "settings_eyes_here" : "settings_eyes_there")],
  ];
  one("about").replaceChildren(
    ...facts.flatMap(([word, value]) => {
      const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, detail.textContent] = [say(word), value];
      return [term, detail];
    }),
  );
  one("sound").textContent = `${say("settings_sound")}: ${say(state.sound ? "settings_on" : "settings_off")}`;
  one("unpair").textContent = say("settings_unpair");
  screen.show("settings");
}

let sure = false;

const ACTS = {
  home,
  other: others,
  pin: askNumberAndPin,
  code: () => askForCard(),
  settings: askForPin,
  start: () => begin(true),
  full: () => document.documentElement.requestFullscreen().catch(() => undefined),
  sound: async () => {
    state.sound = !state.sound;
    sound.mute(!state.sound);
    await store.put("sound", state.sound);
    settings();
  },
  leave: async () => {
    camera.stop();
    if (document.fullscreenElement) await document.exitFullscreen().catch(() => undefined);
    location.assign("/");
  },
  unpair: async () => {
    if (!sure) {
      sure = true;
      one("unpair").textContent = say("settings_unpair_sure", { count: state.queued });
      setTimeout(() => {
        sure = false;
      }, 5_000);
      return;
    }
    await store.forgetEverything();
    location.reload();
  },
};

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
  document.addEventListener("keydown", (event) => {
    if (screen.view() === "pad") pad.pressed(event);
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
    button.textContent = name.toUpperCase();
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
