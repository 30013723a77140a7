// Leads a person through the pictures of an enrolment: says what to do next, and "now" when a picture taken now
// shows what is still missing. Pure: what was seen goes in, a word comes out.

import { moved, place, turned } from "../kiosk/moment.js";

// Straight first, then from both sides: a face at a door is never quite straight (ACC-07 asks for three or more).
export const STEPS = ["straight", "left", "right", "straight"];

// In eye distances off the middle; a fifth is some 20 degrees, and enrolment takes no more than 30.
const STRAIGHT = 0.08;
const LEAST = 0.09;
const MOST = 0.22;
const STEADY = 2; // looks in a row without a move
const PATIENCE = 7_000; // ms: whoever cannot turn their head is not kept
// Without a finder: time to read the hint and follow it, then so many still looks.
const READ = 1_600;
const STILL = 4.2; // mean difference of luma from look to look
const STILL_LOOKS = 3;

export class Guide {
  constructor(steps = STEPS) {
    this.steps = [...steps];
    this.number = 0;
    this.began = null;
    this.last = null;
    this.steady = 0;
  }

  get step() {
    return this.steps[this.number];
  }

  get done() {
    return this.number >= this.steps.length;
  }

  // The picture was taken: on to the next.
  took() {
    this.number += 1;
    this.began = null;
    this.steady = 0;
  }

  // `faces`: what the finder saw, largest first; null where there is no finder. `change`: how much the picture
  // changed since the last look. `now` in milliseconds.
  see({ faces, light, change, now }) {
    this.began ??= now;
    const word = faces === null ? this._blind(light, change, now) : this._seeing(faces, light, now);
    this.last = faces?.[0] ?? null;
    if (word !== "hold") this.steady = 0;
    return word;
  }

  _seeing([face, ...others], light, now) {
    if (!face) return "nobody";
    const wrong = place(face, others) || light || this._turn(turned(face), now - this.began > PATIENCE);
    if (wrong) return wrong;
    this.steady = this.last && moved(face, this.last) ? 0 : this.steady + 1;
    return this._settled(STEADY);
  }

  // What is wrong with the turn of the head; "" where it is what is missing, or after a while good enough.
  _turn(by, patient) {
    if (this.step === "straight") return Math.abs(by) <= (patient ? MOST : STRAIGHT) ? "" : "straight";
    const towards = this.step === "left" ? by : -by;
    if (towards > MOST) return "less";
    return towards >= LEAST || (patient && towards > -MOST) ? "" : this.step;
  }

  _blind(light, change, now) {
    if (light) return light;
    if (now - this.began < READ) return this.step;
    this.steady = change < STILL ? this.steady + 1 : 0;
    return this._settled(STILL_LOOKS);
  }

  _settled(looks) {
    if (this.steady < looks) return "hold";
    this.steady = 0;
    return "now";
  }
}
