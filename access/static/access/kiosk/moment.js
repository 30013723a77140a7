// Picks the moment: says what the person should do, and "now" when a picture taken now will be a good one.
// Pure: what was seen goes in, a word comes out. Nothing here decides who passes.

// In shares of the picture: a smaller face is asked closer, one further off is asked to the middle. The nose off
// the middle between the eyes by a fifth of the eye distance is a head turned by some 20 degrees.
const SMALL = 0.26; // height of the face, of the picture's height
const LARGE = 0.92;
const FAR = [0.13, 0.24]; // the same two where four times the face must fit into the picture
const ASIDE = 0.24; // centre of the face from the centre of the picture, of its width
const HIGH = 0.26;
const TURNED = 0.42; // nose from the middle between the eyes, in eye distances
const MOVED = 0.06; // between two looks, in heights of the face
const STEADY = 2; // looks in a row: two are 100 ms and more apart
const COMPARABLE = 0.6; // another face this tall, measured by the nearest, is a second person

const middle = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
const height = (face) => face.box[3] - face.box[1];

// How far the nose is off the middle between the eyes, in eye distances; above zero where the head is turned to
// the picture's right, which is the person's own left.
export function turned({ landmarks: [left, right, nose] }) {
  const distance = Math.hypot(right[0] - left[0], right[1] - left[1]) || 1e-6;
  return (nose[0] - (left[0] + right[0]) / 2) / distance;
}

// Where the face is wrong: "closer", "several", "back", "middle"; "" where it is right. `limits`: its least and most
// height.
export function place(face, others, [small, large] = [SMALL, LARGE]) {
  if (height(face) < small) return "closer";
  if (others.some((other) => height(other) > COMPARABLE * height(face))) return "several";
  if (height(face) > large) return "back";
  const [x, y] = middle(face.box);
  return Math.abs(x - 0.5) > ASIDE || Math.abs(y - 0.5) > HIGH ? "middle" : "";
}

// Did the face move more than somebody who stands still does? From one look to the next.
export function moved(face, before) {
  const [x, y] = middle(face.box);
  const [beforeX, beforeY] = middle(before.box);
  return Math.hypot(x - beforeX, y - beforeY) > MOVED * height(face) * 2;
}

export class Moment {
  constructor() {
    this.last = null;
    this.steady = 0;
  }

  // "nobody", "several", "closer", "back", "middle", "straight", "hold", or "now".
  see(faces, far = false) {
    const [face, ...others] = faces;
    const word = face ? this._judge(face, others, far ? FAR : [SMALL, LARGE]) : "nobody";
    this.last = face ?? null;
    if (word !== "hold") this.steady = 0;
    else if (++this.steady >= STEADY) {
      this.steady = 0;
      return "now";
    }
    return word;
  }

  _judge(face, others, limits) {
    const wrong = place(face, others, limits);
    if (wrong) return wrong;
    if (Math.abs(turned(face)) > TURNED) return "straight";
    if (this.last && moved(face, this.last)) this.steady = 0;
    return "hold";
  }
}

// Without eyes: somebody came (the picture changed) and stands still (it stopped changing).
const CHANGED = 9; // mean difference of luma (0-255) to the empty scene
const STILL = 3.2; // and from look to look
const STILL_LOOKS = 4;

export class Motion {
  constructor() {
    this.scene = null;
    this.last = null;
    this.still = 0;
  }

  // `luma`: a small picture as numbers. The same words as Moment: "nobody", "hold", "now".
  see(luma) {
    const moved = this.last ? difference(luma, this.last) : 0;
    const changed = this.scene ? difference(luma, this.scene) : 0;
    this.scene ??= Float32Array.from(luma);
    this.last = luma;
    if (changed < CHANGED) {
      // Light changes over the day: the empty scene follows slowly.
      for (let i = 0; i < luma.length; i += 1) this.scene[i] += (luma[i] - this.scene[i]) * 0.05;
      this.still = 0;
      return "nobody";
    }
    this.still = moved < STILL ? this.still + 1 : 0;
    if (this.still < STILL_LOOKS) return "hold";
    this.still = -20; // whoever stays is not asked again and again
    return "now";
  }

  // There was no face: what is before the camera now is the empty scene.
  learn(luma) {
    this.scene = Float32Array.from(luma);
    this.still = 0;
  }
}

export function difference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += Math.abs(one[i] - other[i]);
  return sum / one.length;
}
