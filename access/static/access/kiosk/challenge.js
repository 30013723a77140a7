// What the door asks of a face before it is believed: colours over the whole glass, a turn of the head, or only a
// few frames more. What is asked comes from the server, for one picture, and the server judges the answer.

import * as screen from "./screen.js";
import { Refused, send } from "./server.js";

// Two colours a second: one flash, well below the three that can harm people (WCAG 2.2, 2.3.1), and time for the
// camera to follow. The server takes none that came faster than 350 ms.
const COLOUR = 500;
const TURN = { pause: 400, frames: 10 };
const STILL = { pause: 250, frames: 4 };
const READ = { colour: 2_800, turn: 1_600 }; // the sentence that says what is coming
const WIDE = 640; // a frame need not be as good as the picture

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Whether the whole picture must be sent, from further away: judging one needs four times the face around it.
export const wantsRoom = (demanded) => demanded === "passive";

// Whether somebody has to do something for it.
export const asks = (demanded) => demanded === "colour" || demanded === "turn";

// The frames to send with the picture of this nonce, each with its time; null where somebody chose another way.
export async function answer(camera, nonce, demanded) {
  if (demanded === "passive") return many(camera, STILL);
  if (!asks(demanded)) return [];
  const asked = await ask(nonce);
  if (!asked) return [];
  screen.ask(asked);
  await pause(READ[asked.kind]);
  if (screen.view() !== "ask") return null;
  try {
    return asked.kind === "turn" ? await turn(camera, asked.side) : await colours(camera, asked.colours);
  } finally {
    screen.flash("");
  }
}

async function ask(nonce) {
  try {
    return await send("POST", "/api/v1/challenges/", { nonce });
  } catch (error) {
    // The door was set otherwise a moment ago: the picture alone then says what is missing.
    if (error instanceof Refused && error.code === "no-challenge") return null;
    throw error;
  }
}

async function colours(camera, list) {
  const frames = [];
  for (const colour of list) {
    screen.flash(colour);
    await pause(COLOUR); // by the end of it the light has reached the camera
    frames.push(await shot(camera));
  }
  return frames;
}

function turn(camera, side) {
  screen.turn(side);
  return many(camera, TURN);
}

async function many(camera, { pause: between, frames: count }) {
  const frames = [await shot(camera)];
  while (frames.length < count) {
    await pause(between);
    frames.push(await shot(camera));
  }
  return frames;
}

async function shot(camera) {
  const at = performance.now();
  return { at, image: await camera.picture(null, WIDE) };
}
