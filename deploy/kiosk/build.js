// Brings the kiosk page its eyes: copies the pinned libraries and our face detector to where the page looks.
// One step, from this folder: npm ci && npm run build

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const target = join(root, "access", "static", "access", "kiosk", "vendor");
const modules = join(here, "node_modules");
const shipped = join(root, "recognition", "shipped");

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });

// Without the last line, which names a map that is not here: the collecting of static files would stop at it.
async function script(from, to) {
  const text = await readFile(join(modules, from), "utf8");
  await writeFile(join(target, to), text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
}

await script("onnxruntime-web/dist/ort.wasm.bundle.min.mjs", "ort.wasm.bundle.min.mjs");
await cp(
  join(modules, "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"),
  join(target, "ort-wasm-simd-threaded.wasm"),
);
await script("jsqr/dist/jsQR.js", "jsqr.js");
await cp(join(modules, "jsqr/LICENSE"), join(target, "jsqr.LICENCE.txt"));
for (const name of await readdir(shipped)) {
  if (/^mtcnn.*\.(onnx|txt)$/.test(name)) await cp(join(shipped, name), join(target, name));
}
const version = JSON.parse(await readFile(join(modules, "onnxruntime-web/package.json"), "utf8"));
await writeFile(
  join(target, "onnxruntime-web.LICENCE.txt"),
  `onnxruntime-web ${version.version}, MIT License, Copyright (c) Microsoft Corporation. ${version.homepage ?? ""}\n`,
);
console.log(`The kiosk page finds faces by itself now: ${(await readdir(target)).length} files in ${target}`);
