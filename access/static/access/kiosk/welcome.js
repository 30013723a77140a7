// The yes: who, which way, when; and what the person may say to it.

import * as forgotten from "./forgotten.js";
import * as passing from "./passing.js";
import * as screen from "./screen.js";
import * as sound from "./sound.js";
import { goHomeAfter } from "./ways.js";
import { current, say } from "./words.js";

const REASONS = ["business", "medical", "training", "private", "forgotten", "other"];

// `home` is where "done" leads; `afterwards` where the screen goes by itself.
export function greet(answer, { zone, home, afterwards }) {
  sound.play("yes");
  if (answer.question) {
    const then = () => greet({ ...answer, question: null }, { zone, home, afterwards });
    return forgotten.ask(answer, { zone, then, linger: () => goHomeAfter(45) });
  }
  const out = answer.direction === "out" || answer.direction === "break_out";
  const name = answer.person?.name.split(" ")[0];
  const answers = [["done", home, true]];
  if (answer.id) {
    answers.push(["why", () => askWhy(answer, home)], ["not_me", () => notMe(answer, home)]);
  }
  return screen.result(
    {
      kind: "yes",
      word: `${out ? "goodbye" : "hello"}${name ? "" : "_plain"}`,
      values: { name },
      text: answer.note ?? "",
      way: answer.direction || undefined,
      when: screen.time(Date.parse(answer.punch?.at ?? answer.at), zone, current()),
      today: answer.minutes_today || undefined,
      answers,
      seconds: 5,
    },
    afterwards,
  );
}

function askWhy(answer, home) {
  const tell = async (why) => {
    screen.answers([]);
    await passing.remark(answer.id, why).catch(() => undefined);
    screen.answers([["done", home, true]], say("why_done"));
    screen.stay(2);
  };
  screen.answers(REASONS.map((why) => [`why_${why}`, () => tell(why)]));
  screen.stay(10);
}

async function notMe(answer, home) {
  screen.answers([]);
  await passing.notMe(answer.id).catch(() => undefined);
  screen.answers([["done", home, true]], say("not_me_done"));
  screen.stay(4);
}
