// What staff may do at the kiosk, behind the site's PIN: see how it is, leave it, forget its pairing.

import * as clock from "./clock.js";
import * as bundles from "./bundles.js";
import * as pad from "./pad.js";
import * as screen from "./screen.js";
import { Away, paired, send } from "./server.js";
import * as store from "./store.js";
import { current, say } from "./words.js";

const one = (name) => document.querySelector(`[data-${name}]`);

let page = null; // { away(error), facts(), sound(on) } of the page that asked
let sure = false;

// Only the server knows the PIN: without the network nobody gets further than this pad.
export function ask(asking) {
  page = asking;
  screen.show("pad");
  pad.ask({ title: "pin_admin", secret: true, done: unlock });
}

async function unlock(pin) {
  try {
    const answer = await send("POST", "/api/v1/kiosk/unlock/", { pin });
    if (answer.unlocked) return show();
    const seconds = answer.after ? Math.ceil((Date.parse(answer.after) - clock.now()) / 1000) : 0;
    return pad.wrong(seconds > 0 ? say("pin_wait", { seconds }) : say("pin_wrong"));
  } catch (error) {
    return error instanceof Away ? pad.wrong(say("pin_away")) : page.away(error);
  }
}

function show() {
  const { about } = paired();
  const { version, queued, eyes, sound } = page.facts();
  const bundle = bundles.current();
  const facts = [
    ["settings_kiosk", about.kiosk],
    ["settings_door", `${about.site} · ${about.door}`],
    ["settings_version", version],
    ["settings_clock", `${(clock.offsetNow() / 1000).toFixed(1)} s`],
    ["settings_queue", String(queued)],
    ["settings_bundle", bundle ? screen.moment(bundle.expires, about.zone, current()) : say("settings_none")],
    ["settings_eyes", say(eyes ? "settings_eyes_here" : "settings_eyes_there")],
  ];
  one("about").replaceChildren(
    ...facts.flatMap(([word, value]) => {
      const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, detail.textContent] = [say(word), value];
      return [term, detail];
    }),
  );
  one("sound").textContent = `${say("settings_sound")}: ${say(sound ? "settings_on" : "settings_off")}`;
  one("unpair").textContent = say("settings_unpair");
  sure = false;
  screen.show("settings");
}

export async function toggleSound() {
  await page.sound(!page.facts().sound);
  show();
}

export async function leave() {
  if (document.fullscreenElement) await document.exitFullscreen().catch(() => undefined);
  location.assign("/");
}

export async function unpair(queued) {
  if (!sure) {
    sure = true;
    one("unpair").textContent = say("settings_unpair_sure", { count: queued });
    setTimeout(() => {
      sure = false;
    }, 5_000);
    return;
  }
  await store.forgetEverything();
  location.reload();
}
