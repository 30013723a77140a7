// Enrolment before a camera: hints, pictures taken by themselves, and what became of each. The same on the page of
// the staff and on the page that an invitation opens. Nothing leaves the browser before all pictures are taken.

import { Camera } from "../kiosk/camera.js";
import { Finder } from "../kiosk/finder.js";
import { difference } from "../kiosk/moment.js";
import { Guide, STEPS } from "./guide.js";
import { light, sharpness } from "./light.js";

const LOOK = 110; // ms between two looks
const CANDIDATES = 3; // pictures of one moment, of which the sharpest is kept
const PAUSE = 700; // ms after a picture, so that one sees that it was taken
const POLL = 400; // ms between two questions for what became of them
const PATIENCE = 60_000; // ms until a worker must have answered
const ANGLES = ["straight", "left", "right"];

const root = document.querySelector("[data-enrol]");
const words = JSON.parse(root.dataset.words);
const part = (name) => root.querySelector(`[data-${name}]`);
const say = (word, values = {}) => (words[word] ?? word).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const camera = new Camera(part("video"));
let finder = null;
let shots = []; // { blob, angle, state, reason }
let send = root.dataset.send;

function hint(word, tone = "") {
  const text = say(`hint.${word}`);
  if (part("hint").textContent !== text) part("hint").textContent = text;
  root.dataset.tone = tone;
}

function view(name) {
  root.dataset.view = name;
}

// --- Taking pictures ------------------------------------------------------------------------------

async function start() {
  view("opening");
  try {
    await camera.start();
  } catch {
    view("closed");
    return hint("no_camera", "bad");
  }
  finder ??= await Finder.open(root.dataset.eyes === "yes");
  root.dataset.finder = finder ? "here" : "none";
  await take(STEPS);
}

async function take(steps) {
  const guide = new Guide(steps);
  let before = null;
  view("taking");
  if (!camera.running()) await camera.start();
  show();
  while (!guide.done) {
    const began = performance.now();
    const luma = camera.luma();
    const lit = light(luma);
    const faces = finder ? await finder.find(camera.video) : null;
    const word = guide.see({ faces, light: lit, change: before ? difference(luma, before) : 255, now: began });
    before = luma;
    part("light").dataset.state = lit ? "poor" : "good";
    part("light").textContent = say(lit ? "hint.light_poor" : "hint.light_good");
    if (word === "now") {
      shots.push({ blob: await best(faces?.[0]), angle: guide.step, state: "taken", reason: "" });
      guide.took();
      flash();
      show();
      hint("hold", "good");
      await wait(PAUSE);
    } else {
      hint(word, word === "hold" ? "good" : "");
    }
    await wait(Math.max(0, LOOK - (performance.now() - began)));
  }
  camera.stop();
  await handIn();
}

// The sharpest of a few pictures of one moment.
async function best(face) {
  const found = [];
  for (let n = 0; n < CANDIDATES; n += 1) {
    const sharp = sharpness(camera.pixels(480));
    found.push({ sharp, blob: await camera.picture(face) });
    await wait(40);
  }
  return found.sort((one, other) => other.sharp - one.sharp)[0].blob;
}

function flash() {
  root.classList.remove("enrol-flash");
  void root.offsetWidth; // so that the animation begins anew
  root.classList.add("enrol-flash");
}

// --- Handing in, and what became of it ------------------------------------------------------------

async function handIn() {
  const fresh = shots.filter(({ state }) => state === "taken");
  view("sending");
  hint("sending");
  const body = new FormData();
  fresh.forEach(({ blob, angle }, n) => body.append("photographs", blob, `camera-${n + 1}-${angle}.jpg`));
  try {
    const answer = await fetch(send, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": root.querySelector("[name=csrfmiddlewaretoken]").value },
      body,
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    if (told.more) {
      send = told.more; // an invitation is spent now: only this page may hand in more
      document.querySelector("[data-files]")?.remove();
    }
    fresh.forEach((shot) => (shot.state = "waiting"));
    show();
    hint("looking");
    await follow(told.result, fresh);
  } catch (error) {
    part("wrong").textContent = error.message || "";
    failed("failed");
  }
}

async function follow(address, fresh) {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("");
    const told = await answer.json();
    told.photographs.slice(-fresh.length).forEach(({ state, reason, angle }, n) => {
      Object.assign(fresh[n], { state, reason, angle: angle || fresh[n].angle });
    });
    show();
    if (!told.waiting) return settle(told);
    if (performance.now() > until) return finish("later"); // they are safe; a worker will come
    await wait(POLL);
  }
}

function settle(told) {
  part("wrong").textContent = told.review ? say("hint.review") : "";
  const accepted = shots.filter(({ state }) => state === "accepted").length;
  return accepted >= Number(root.dataset.enough) ? finish("enough") : failed("more");
}

function finish(word) {
  view("done");
  hint(word, "good");
}

function failed(word) {
  view("poor");
  hint(word, "bad");
}

// Only what is missing is taken anew; what was good stays.
function again() {
  const missing = shots.filter(({ state }) => state !== "accepted").map(({ angle }) => angle);
  shots = shots.filter(({ state }) => state === "accepted");
  part("wrong").textContent = "";
  return take(missing.length ? missing : STEPS);
}

// --- What is shown --------------------------------------------------------------------------------

function show() {
  const list = part("shots");
  list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  list.replaceChildren(...shots.map(thumbnail));
  for (const angle of ANGLES) {
    const there = shots.filter((shot) => shot.angle === angle).map(({ state }) => state);
    const state = there.includes("accepted") ? "accepted" : there.some((one) => one !== "refused") ? "taken" : "none";
    root.querySelector(`[data-angle=${angle}]`).dataset.state = state;
  }
  part("progress").textContent = say("hint.progress", { n: shots.length, all: STEPS.length });
}

function thumbnail({ blob, angle, state, reason }) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  const text = document.createElement("span");
  image.src = URL.createObjectURL(blob);
  image.alt = say(`angle.${angle}`);
  item.dataset.state = state;
  if (state !== "taken") text.textContent = say(`fate.${state === "refused" ? reason : state}`);
  item.append(image, text);
  return item;
}

part("start").addEventListener("click", start);
part("again").addEventListener("click", again);
part("video").addEventListener("lost", () => {
  view("closed");
  hint("no_camera", "bad");
});
hint("start");
