// The number pad, with letters where badge numbers have some. Asks one thing after the other.

import * as sound from "./sound.js";
import { say } from "./words.js";

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "letters", "0", "delete", "next"];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-.", "digits", "delete", "next"];
const MOST = 32;

const one = (name) => document.querySelector(`[data-${name}]`);

let typed = "";
let step = null; // { title, secret, letters, done }

export function ask(asked) {
  step = asked;
  typed = "";
  one("pad-title").textContent = say(asked.title);
  wrong("");
  keys(DIGITS);
  draw();
}

export function wrong(text) {
  one("pad-wrong").textContent = text;
  typed = "";
  draw();
}

function draw() {
  one("pad-shown").textContent = step?.secret ? "•".repeat(typed.length) : typed;
}

function keys(names) {
  const board = one("keys");
  board.classList.toggle("letters", names === LETTERS);
  board.replaceChildren(...names.map(key));
}

function key(name) {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.key = name;
  const words = { delete: "pin_delete", next: "pin_next", letters: "pin_letters" };
  made.textContent = name === "digits" ? "123" : words[name] ? say(words[name]) : name;
  made.className = name === "next" ? "word next" : words[name] || name === "digits" ? "word" : "";
  made.disabled = name === "letters" && !step.letters;
  made.addEventListener("click", () => press(name));
  return made;
}

export function press(name) {
  sound.play("key");
  if (name === "letters") return keys(LETTERS);
  if (name === "digits") return keys(DIGITS);
  if (name === "delete") typed = typed.slice(0, -1);
  else if (name === "next") return typed ? step.done(typed) : undefined;
  else if (typed.length < MOST) typed += name;
  one("pad-wrong").textContent = "";
  return draw();
}

// A keyboard, or a card reader that types like one.
export function pressed(event) {
  if (event.key === "Enter") press("next");
  else if (event.key === "Backspace") press("delete");
  else if (/^[\w.\-/]$/.test(event.key)) press(event.key.toUpperCase());
  else return;
  event.preventDefault();
}
