// Finds the face in the preview: by our own networks where they were brought in, else not at all.

const SIDE = 320; // the longest side of what is looked at
const PATIENCE = 20_000;

export class Finder {
  constructor(worker) {
    this.worker = worker;
    this.number = 0;
    this.waiting = new Map();
    worker.onmessage = ({ data }) => this.waiting.get(data.number)?.(data);
  }

  // A finder, or null where the eyes were not brought in or do not open on this device.
  static open(there) {
    if (!there || typeof OffscreenCanvas === "undefined") return Promise.resolve(null);
    return new Promise((resolve) => {
      const worker = new Worker("/kiosk/finder.js", { type: "module" });
      const give = (finder) => {
        clearTimeout(timer);
        if (!finder) worker.terminate();
        resolve(finder);
      };
      const timer = setTimeout(() => give(null), PATIENCE);
      worker.onerror = () => give(null);
      worker.onmessage = ({ data }) => give(data.ready ? new Finder(worker) : null);
    });
  }

  // Faces in shares of the picture's size: { box, landmarks, score }, largest first.
  async find(video) {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    const frame = await createImageBitmap(video, { resizeWidth: width, resizeHeight: height });
    this.number += 1;
    const number = this.number;
    const answer = await new Promise((resolve) => {
      this.waiting.set(number, resolve);
      this.worker.postMessage({ number, frame }, [frame]);
    });
    this.waiting.delete(number);
    const share = ([x, y]) => [x / width, y / height];
    return answer.faces.map(({ box, landmarks, score }) => ({
      box: [...share([box[0], box[1]]), ...share([box[2], box[3]])],
      landmarks: landmarks.map(share),
      score,
    }));
  }
}
