// MTCNN in the browser: the same three shipped networks as recognition/mtcnn.py (Zhang et al., IEEE Signal
// Processing Letters 23(10), 2016), for one large face before a kiosk rather than for every face in a crowd.

const SMALLEST = 56; // pixels of the frame that is looked at: a face at arm's length is larger
const SHRINK = 0.709;
const CELL = 12;
const STRIDE = 2;
const THRESHOLDS = [0.6, 0.7, 0.8];
const PROPOSALS = 24; // windows for the second network at most: a kiosk must answer fast

// Boxes are [x1, y1, x2, y2, score]; best first, those overlapping a better one by more than `most` left out.
export function suppress(boxes, most, bySmaller = false) {
  const kept = [];
  for (const box of [...boxes].sort((one, other) => other[4] - one[4])) {
    if (kept.every((better) => overlap(better, box, bySmaller) <= most)) kept.push(box);
  }
  return kept;
}

function overlap(one, other, bySmaller) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (width <= 0 || height <= 0) return 0;
  const [first, second] = [one, other].map((box) => (box[2] - box[0]) * (box[3] - box[1]));
  return (width * height) / (bySmaller ? Math.min(first, second) : first + second - width * height);
}

function squared([x1, y1, x2, y2, score]) {
  const half = Math.max(x2 - x1, y2 - y1) / 2;
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return [x - half, y - half, x + half, y + half, score];
}

// RGBA pixels to planes of (x - 127.5) / 128, as the networks were trained.
function planes(pixels, into, at, area) {
  for (let i = 0; i < area; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      into[at + channel * area + i] = (pixels[i * 4 + channel] - 127.5) / 128;
    }
  }
}

export class Mtcnn {
  constructor(ort, networks) {
    this.ort = ort;
    this.networks = networks;
    this.canvas = new OffscreenCanvas(8, 8);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  static async load(ort, folder) {
    const open = (name) =>
      ort.InferenceSession.create(new URL(`mtcnn_${name}.onnx`, folder).href, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
      });
    return new Mtcnn(ort, await Promise.all(["pnet", "rnet", "onet"].map(open)));
  }

  // Part of the source as RGBA; what lies outside is grey, which the networks see as zero.
  _pixels(source, [x1, y1, x2, y2], width, height) {
    if (this.canvas.width < width || this.canvas.height < height) {
      this.canvas.width = Math.max(this.canvas.width, width);
      this.canvas.height = Math.max(this.canvas.height, height);
    }
    this.context.imageSmoothingQuality = "medium";
    this.context.fillStyle = "rgb(127, 127, 127)";
    this.context.fillRect(0, 0, width, height);
    this.context.drawImage(source, x1, y1, x2 - x1, y2 - y1, 0, 0, width, height);
    return this.context.getImageData(0, 0, width, height).data;
  }

  async _run(network, data, shape) {
    return this.networks[network].run({ pixels: new this.ort.Tensor("float32", data, shape) });
  }

  async _proposals(source) {
    const found = [];
    const shortest = Math.min(source.width, source.height);
    for (let scale = CELL / SMALLEST; shortest * scale >= CELL; scale *= SHRINK) {
      const width = Math.max(CELL, Math.round(source.width * scale));
      const height = Math.max(CELL, Math.round(source.height * scale));
      const pixels = this._pixels(source, [0, 0, source.width, source.height], width, height);
      const data = new Float32Array(3 * width * height);
      planes(pixels, data, 0, width * height);
      const { faces, offsets } = await this._run(0, data, [1, 3, height, width]);
      found.push(...suppress(this._cells(faces, offsets, source.width / width, source.height / height), 0.5));
    }
    return suppress(found, 0.7).slice(0, PROPOSALS);
  }

  _cells(faces, offsets, across, down) {
    const [rows, columns] = faces.dims.slice(2);
    const cells = rows * columns;
    const boxes = [];
    for (let i = 0; i < cells; i += 1) {
      const score = faces.data[cells + i];
      if (score <= THRESHOLDS[0]) continue;
      const x = (i % columns) * STRIDE;
      const y = Math.floor(i / columns) * STRIDE;
      const move = [0, 1, 2, 3].map((side) => offsets.data[side * cells + i] * CELL);
      boxes.push([
        (x + move[0]) * across,
        (y + move[1]) * down,
        (x + CELL + move[2]) * across,
        (y + CELL + move[3]) * down,
        score,
      ]);
    }
    return boxes;
  }

  async _refined(source, boxes, network, side, least) {
    if (!boxes.length) return [];
    const squares = boxes.map(squared);
    const area = side * side;
    const data = new Float32Array(squares.length * 3 * area);
    squares.forEach((square, i) => planes(this._pixels(source, square, side, side), data, i * 3 * area, area));
    const answers = await this._run(network, data, [squares.length, 3, side, side]);
    const passed = [];
    squares.forEach((square, i) => {
      const score = answers.faces.data[i * 2 + 1];
      if (score <= least) return;
      const long = square[2] - square[0];
      const box = [0, 1, 2, 3].map((edge) => square[edge] + answers.offsets.data[i * 4 + edge] * long);
      const landmarks = answers.landmarks
        ? [0, 1, 2, 3, 4].map((point) => [
            square[0] + answers.landmarks.data[i * 10 + point] * long,
            square[1] + answers.landmarks.data[i * 10 + 5 + point] * long,
          ])
        : null;
      passed.push(Object.assign([...box, score], { landmarks }));
    });
    return passed;
  }

  // [{ box: [x1, y1, x2, y2], landmarks: 5 × [x, y], score }], largest first, in pixels of the source.
  async find(source) {
    const proposed = await this._proposals(source);
    const refined = suppress(await this._refined(source, proposed, 1, 24, THRESHOLDS[1]), 0.7);
    const placed = suppress(await this._refined(source, refined, 2, 48, THRESHOLDS[2]), 0.7, true);
    return placed
      .map((box) => ({ box: box.slice(0, 4), landmarks: box.landmarks, score: box[4] }))
      .sort((one, other) => height(other) - height(one));
  }
}

const height = ({ box }) => box[3] - box[1];
