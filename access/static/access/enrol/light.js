// The light on the face and how sharp a picture is, from small pictures. For hints and for choosing among
// pictures of one moment; whether a picture is good enough, the workers say.

// Luma, 0 to 255, of what is inside the oval. The workers refuse faces far beyond these; a hint comes sooner.
const DARK = 62;
const BRIGHT = 208;
const ONE_SIDED = 78;

// `values`: luma of a small picture of this width. "dark", "bright", "one_sided", or "" where the light is good.
export function light(values, width = 48) {
  const height = values.length / width;
  const sums = [0, 0];
  const counts = [0, 0];
  for (let y = Math.floor(height * 0.22); y < height * 0.78; y += 1) {
    for (let x = Math.floor(width * 0.34); x < width * 0.66; x += 1) {
      const side = x < width / 2 ? 0 : 1;
      sums[side] += values[y * width + x];
      counts[side] += 1;
    }
  }
  const [left, right] = [sums[0] / counts[0], sums[1] / counts[1]];
  const mean = (left + right) / 2;
  if (mean < DARK) return "dark";
  if (mean > BRIGHT) return "bright";
  return Math.abs(left - right) > ONE_SIDED ? "one_sided" : "";
}

// The mean square of the Laplacian of the middle of a picture: higher is sharper, among pictures of one scene.
export function sharpness({ data, width, height }) {
  const luma = (x, y) => {
    const i = (y * width + x) * 4;
    return 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  };
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(height * 0.25); y < height * 0.75; y += 2) {
    for (let x = Math.floor(width * 0.3); x < width * 0.7; x += 2) {
      const edge = 4 * luma(x, y) - luma(x - 1, y) - luma(x + 1, y) - luma(x, y - 1) - luma(x, y + 1);
      sum += edge * edge;
      count += 1;
    }
  }
  return sum / count;
}
