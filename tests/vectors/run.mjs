// Passes every vector through the browser's rule, in Node: node tests/vectors/run.mjs. Prints what differs.

import { readFile } from "node:fs/promises";
import { decide } from "../../access/static/access/kiosk/offline.js";

const { bundles, cases } = JSON.parse(await readFile(new URL("offline.json", import.meta.url), "utf8"));
const wrong = [];
for (const { name, bundle, attempt, now, answer } of cases) {
  const given = await decide(bundles[bundle], attempt, now);
  if (JSON.stringify(given) !== JSON.stringify(answer)) wrong.push({ name, given, answer });
}
console.log(JSON.stringify({ passed: cases.length - wrong.length, wrong }));
process.exit(wrong.length ? 1 : 0);
