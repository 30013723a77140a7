// The other ways in: card, code, number and PIN; and the one thing more that a door may ask for.

import * as codes from "./codes.js";
import * as pad from "./pad.js";
import * as screen from "./screen.js";
import * as sound from "./sound.js";
import { say } from "./words.js";

const one = (name) => document.querySelector(`[data-${name}]`);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let page = null;

// The page that uses them: { camera, eyes, home(), show(credentials, after) }.
export function use(given) {
  page = given;
}

export function others(word) {
  one("other-text").textContent = word ? say(word) : "";
  screen.show("other");
  goHomeAfter(20);
}

let idle = 0;

// Whoever walks away leaves no half-typed number behind.
export function goHomeAfter(seconds) {
  clearTimeout(idle);
  const from = screen.view();
  idle = setTimeout(() => {
    if (screen.view() === from && from !== "idle") page.home();
  }, seconds * 1000);
}

export function askNumberAndPin() {
  screen.show("pad");
  goHomeAfter(45);
  pad.ask({
    title: "pin_number",
    letters: true,
    done: (badge) =>
      pad.ask({ title: "pin_pin", secret: true, done: (pin) => page.show({ badge, pin }) }),
  });
}

export async function askForCard(after, also = {}) {
  if (!page.camera.running() || !(await codes.canRead(page.eyes))) {
    one("code-wrong").textContent = say("code_none");
  } else one("code-wrong").textContent = "";
  screen.show("code");
  goHomeAfter(20);
  while (screen.view() === "code") {
    const card = await codes.read(page.camera);
    if (card && screen.view() === "code") return page.show({ ...also, card }, after);
    await pause(120);
  }
  return undefined;
}

// The face was right; the door asks for one thing more.
export function oneMore(answer) {
  sound.play("unsure");
  if (answer.needs.includes("card") && answer.needs.includes("pin")) return askForEither(answer);
  const more = answer.needs.includes("pin") ? "pin" : answer.needs[0];
  if (more === "card") return askForCard(answer.step ?? undefined, answer.given);
  if (more === "badge_pin") return askNumberAndPin();
  if (more === "face") return page.home();
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
        ["one_more_card", () => askForCard(answer.step ?? undefined, answer.given)],
      ],
      seconds: 15,
    },
    page.home,
  );
}

function askForThePin(answer) {
  screen.show("pad");
  goHomeAfter(25);
  return pad.ask({
    title: "pin_pin",
    secret: true,
    done: (pin) => page.show({ ...answer.given, pin }, answer.step ?? undefined),
  });
}
