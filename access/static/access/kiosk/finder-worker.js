// Looks for faces beside the page, so that the preview never stutters.

import { Mtcnn } from "./mtcnn.js";

const folder = new URL("vendor/", import.meta.url);
let finder = null;

async function load() {
  const ort = await import(new URL("ort.wasm.bundle.min.mjs", folder).href);
  ort.env.wasm.numThreads = 1; // more would need a page isolated from all others
  ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", folder).href };
  finder = await Mtcnn.load(ort, folder);
  const nothing = new OffscreenCanvas(320, 240);
  nothing.getContext("2d");
  await finder.find(nothing); // warm: the first look is not the slow one
}

self.onmessage = async ({ data }) => {
  const began = performance.now();
  try {
    const faces = await finder.find(data.frame);
    self.postMessage({ number: data.number, faces, milliseconds: performance.now() - began });
  } catch (error) {
    self.postMessage({ number: data.number, faces: [], error: String(error) });
  } finally {
    data.frame.close?.();
  }
};

load().then(
  () => self.postMessage({ ready: true }),
  (error) => self.postMessage({ ready: false, error: String(error) }),
);
