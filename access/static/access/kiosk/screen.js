// What is on the glass: views, guidance, results. Knows no rules and asks nobody.

import { find, say } from "./words.js";

const one = (name) => document.querySelector(`[data-${name}]`);
const SIGNS = {
  yes: "M4.5 12.8l5 5L19.5 7",
  no: "M6 6l12 12M18 6L6 18",
  unsure: "M12 5v9M12 18.6v.01",
};

let timer = 0;
let leave = () => undefined;

export const view = () => document.body.dataset.view;

export function show(name) {
  document.body.dataset.view = name;
  if (name !== "result") {
    clearTimeout(timer);
    one("result").hidden = true;
  }
  for (const panel of document.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
}

export function guide(word) {
  const stage = one("stage");
  if (stage.dataset.guideWord === word) return;
  stage.dataset.guideWord = word;
  one("guide").textContent = word ? say(word) : "";
}

export function place(about) {
  one("place").textContent = about?.site ?? "";
  one("door").textContent = about?.door ?? "";
}

export function network(online, queued) {
  document.body.dataset.online = online ? "yes" : "no";
  one("network").textContent = say(online ? "online" : "offline");
  one("queue").hidden = queued === 0;
  one("queue").textContent = say("queued", { count: queued });
}

// In place of the preview: what is missing, "camera" or "network", and what to do. No title: the preview.
export function dark(title, text, missing = "") {
  one("dark").hidden = !title;
  one("dark").dataset.missing = missing;
  one("dark-title").textContent = title ? say(title) : "";
  one("dark-text").textContent = text ? say(text) : "";
}

const inZone = (language, zone, options) =>
  new Intl.DateTimeFormat(LOCALES[language] ?? language, { timeZone: zone, ...options });

// English as it is written here: the day before the month, and no morning or evening after the hour.
const LOCALES = { en: "en-GB" };

export function time(moment, zone, language) {
  return inZone(language, zone, { hour: "2-digit", minute: "2-digit" }).format(moment);
}

export function day(moment, zone, language) {
  return inZone(language, zone, { weekday: "long", day: "numeric", month: "long" }).format(moment);
}

export const moment = (when, zone, language) =>
  inZone(language, zone, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(when);

export function clock(moment, zone, language) {
  const text = time(moment, zone, language);
  if (one("clock").textContent === text) return;
  one("clock").textContent = text;
  one("day").textContent = day(moment, zone, language);
}

// `answers`: [word, action, first?]. `then` is called once, by time or by hand, when the result goes away.
export function result({ kind, word, values, text, way, when, today, answers = [], seconds = 4 }, then) {
  const section = one("result");
  section.dataset.kind = kind;
  one("sign-path").setAttribute("d", SIGNS[kind]);
  one("result-word").textContent = say(word, values);
  one("result-text").textContent = text ?? "";
  one("result-way").hidden = !way;
  one("result-way").textContent = way ? say(way) : "";
  one("result-time").textContent = when ?? "";
  one("result-today").hidden = today === undefined;
  if (today !== undefined) {
    one("result-today").textContent = say("today", { hours: Math.floor(today / 60), minutes: today % 60 });
  }
  one("answers").replaceChildren(...answers.map(([label, act, first]) => button(label, act, first)));
  section.hidden = false;
  show("result");
  stay(seconds, then);
}

function button(label, act, first) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = find(label) ?? label;
  made.className = first ? "first" : "";
  made.addEventListener("click", act);
  return made;
}

// The result stays for so long from now on.
export function stay(seconds, then = leave) {
  clearTimeout(timer);
  leave = then;
  const bar = one("left");
  bar.style.animation = "none";
  bar.getBoundingClientRect(); // starts the animation anew
  bar.style.animation = "";
  bar.style.animationDuration = `${seconds}s`;
  timer = setTimeout(() => leave(), seconds * 1000);
}

export function answers(list, text) {
  if (text !== undefined) one("result-text").textContent = text;
  one("answers").replaceChildren(...list.map(([label, act, first]) => button(label, act, first)));
}

// What is asked of the person next, to be read before it begins.
export function ask({ kind, side }) {
  one("ask-title").textContent = say(kind === "turn" ? `challenge_${side}` : "challenge_colour");
  one("ask-text").textContent = kind === "turn" ? "" : say("challenge_warning");
  show("ask");
}

// The colour that a challenge asks for, over the whole glass; nothing takes it away. Without one, it ends.
export function flash(colour) {
  one("flash").hidden = !colour;
  one("flash").dataset.flash = colour;
}

export function turn(side) {
  one("turn-word").textContent = say(`challenge_${side}`);
  one("turn-arrow").dataset.side = side;
  show("turn");
}
