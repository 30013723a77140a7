// One attempt after the other: a picture, or a card, code or PIN; what the server said; what the screen shows.

import * as clock from "./clock.js";
import { Away, send } from "./server.js";

const DECISIONS = "/api/v1/decisions";
// What the person can mend at once is asked for again, not refused.
const MENDABLE = new Set([
  "stale", "deadline", "unreadable", "no_face", "several_faces", "too_small", "cut_off", "blurred", "too_dark",
  "too_bright", "turned_away", "worker_failed",
]);
const NOT_RECOGNISED = new Set(["unknown_face", "ambiguous", "spoof_suspected", "liveness_unjudged"]);
const ONE_MORE = new Set(["second_factor_needed", "second_person_needed"]);

// The decision on a picture, and the frames that were asked for with it. A broken connection is tried once more with
// the same nonce: nothing happens twice.
export async function face(picture, { taken, nonce, frames = [] }) {
  const form = new FormData();
  form.append("image", picture, "face.jpg");
  form.append("kind", "snapshot");
  form.append("taken", new Date(taken).toISOString());
  form.append("nonce", nonce);
  for (const { at, image } of frames) {
    form.append("frames", image, "frame.jpg");
    form.append("frame_times", String(Math.round(at - frames[0].at)));
  }
  return twice(() => send("POST", "/api/v1/snapshots/", form));
}

// The decision on a card or code, or on a badge number and PIN. `after`: the step of an answer that saw the face.
export async function shown(credentials, after) {
  const values = { ...credentials, taken: new Date(clock.now()).toISOString(), nonce: crypto.randomUUID() };
  if (after) values.after = after;
  return twice(() => send("POST", "/api/v1/passes/", values));
}

async function twice(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Away) || !navigator.onLine) throw error;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return action();
  }
}

export const notMe = (decision) => send("POST", `${DECISIONS}/${decision}/not-me/`);
export const remark = (decision, why) => send("POST", `${DECISIONS}/${decision}/remark/`, { why });

// "yes", "more" (a second thing is asked), "again" (mend it and try again), "unknown" (not recognised) or "no".
export function outcome({ granted, reason, punch }) {
  if (granted || punch) return "yes";
  if (ONE_MORE.has(reason)) return "more";
  if (MENDABLE.has(reason)) return "again";
  return NOT_RECOGNISED.has(reason) ? "unknown" : "no";
}
