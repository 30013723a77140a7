// Short tones, made here: a rising pair for yes, a low one for no, a soft one in between.

let context = null;
let muted = false;

export function mute(silent) {
  muted = silent;
}

// Browsers let a page sound only after it was touched once; an installed page may at once.
export function wake() {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume().catch(() => undefined);
  } catch {
    context = null; // no audio on this device: colour, picture and word remain
  }
}

const TUNES = {
  yes: [[660, 0, 0.12, "sine"], [990, 0.12, 0.22, "sine"]],
  no: [[196, 0, 0.18, "triangle"], [155, 0.2, 0.32, "triangle"]],
  unsure: [[440, 0, 0.2, "sine"]],
  key: [[1200, 0, 0.03, "sine"]],
};

export function play(tune) {
  if (muted || !context || context.state !== "running") return;
  for (const [pitch, start, length, shape] of TUNES[tune]) {
    const begin = context.currentTime + start;
    const oscillator = new OscillatorNode(context, { frequency: pitch, type: shape });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(tune === "key" ? 0.05 : 0.25, begin + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(begin);
    oscillator.stop(begin + length + 0.02);
  }
}
