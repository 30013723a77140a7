// Whoever forgot to punch out is asked when they left. The answer is a request that somebody approves.

import * as pad from "./pad.js";
import * as screen from "./screen.js";
import { send } from "./server.js";
import { current, say } from "./words.js";

const MINUTE = 60_000;
const SECONDS = 25;

// `then` is what comes after, whether or not it was answered.
export function ask(answer, { zone, then, linger }) {
  const { since, offered, day } = answer.question;
  const at = (moment) => screen.time(moment, zone, current());
  const tell = async (moment) => {
    screen.answers([]);
    const left = new Date(moment).toISOString();
    const noted = await send("POST", "/api/v1/answers/", { decision: answer.id, left }).catch(() => null);
    screen.answers([["done", then, true]], say(noted ? "forgot_done" : "forgot_wrong"));
    screen.stay(3, then);
  };
  const other = () => {
    screen.show("pad");
    linger();
    pad.ask({
      title: "forgot_time",
      done: (typed) => {
        const moment = find(typed, Date.parse(since), zone);
        if (moment === null) return pad.wrong(say("pin_wrong"));
        return show(() => tell(moment));
      },
    });
  };
  const times = offered.map(Date.parse).map((moment) => [at(moment), () => tell(moment), true]);
  const show = (next) => {
    screen.result(
      {
        kind: "unsure",
        word: "forgot_title",
        text: say("forgot_text", { day: screen.day(Date.parse(`${day}T12:00Z`), "UTC", current()), time: at(Date.parse(since)) }),
        answers: [...times, ["forgot_other", other], ["forgot_later", then]],
        seconds: SECONDS,
      },
      then,
    );
    return next?.();
  };
  show();
}

// The moment after `since` at which the site's clock shows what was typed ("1730", "930"); null if there is none.
function find(typed, since, zone) {
  const digits = typed.padStart(4, "0");
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (!/^[0-9]{4}$/.test(digits) || hours > 23 || minutes > 59) return null;
  const wanted = `${digits.slice(0, 2)}:${digits.slice(2)}`;
  const start = Math.ceil(since / MINUTE) * MINUTE;
  for (let n = 0; n < 24 * 60; n += 1) {
    if (screen.time(start + n * MINUTE, zone, "en") === wanted) return start + n * MINUTE;
  }
  return null;
}
