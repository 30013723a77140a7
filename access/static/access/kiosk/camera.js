// The camera: its preview, and pictures from it.

const WIDE = 960; // the longest side that is sent
const QUALITY = 0.88;
const MARGIN = 0.9; // around the face, in its own size

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.canvas = document.createElement("canvas");
    this.small = document.createElement("canvas");
    [this.small.width, this.small.height] = [48, 36];
  }

  async start() {
    this.stop();
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 }, frameRate: { ideal: 30 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.video.srcObject = this.stream;
    await this.video.play();
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.video.dispatchEvent(new Event("lost")));
    }
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  running() {
    return Boolean(this.stream?.active) && this.video.videoWidth > 0 && this.video.readyState >= 2;
  }

  // JPEG, at most so wide. With a face (its box in shares of the picture) only what is around it leaves the tablet.
  async picture(face, wide = WIDE) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const [x, y, across, down] = face ? around(face.box, width, height) : [0, 0, width, height];
    const scale = Math.min(1, wide / Math.max(across, down));
    this.canvas.width = Math.round(across * scale);
    this.canvas.height = Math.round(down * scale);
    const context = this.canvas.getContext("2d");
    context.drawImage(this.video, x, y, across, down, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  luma() {
    const context = this.small.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.video, 0, 0, 48, 36);
    const { data } = context.getImageData(0, 0, 48, 36);
    const values = new Float32Array(48 * 36);
    for (let i = 0; i < values.length; i += 1) {
      values[i] = 0.299 * data[i * 4] + 0.587 * data[i * 4 + 1] + 0.114 * data[i * 4 + 2];
    }
    return values;
  }

  pixels(side = 640) {
    const scale = Math.min(1, side / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }
}

function around([x1, y1, x2, y2], width, height) {
  const [across, down] = [(x2 - x1) * width, (y2 - y1) * height];
  const left = Math.max(0, x1 * width - MARGIN * across);
  const top = Math.max(0, y1 * height - MARGIN * down);
  const right = Math.min(width, x2 * width + MARGIN * across);
  const bottom = Math.min(height, y2 * height + MARGIN * down);
  return [left, top, right - left, bottom - top];
}
