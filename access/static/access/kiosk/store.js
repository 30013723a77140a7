// What the kiosk keeps on its own disk: keys that cannot be read out, and records sealed with one of them.

const NAME = "lintel-kiosk";
const THINGS = "things";
const EVENTS = "events";

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore(THINGS);
      asked.result.createObjectStore(EVENTS);
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

// Resolves when the transaction is done, so that what was put is on the disk.
async function run(stores, mode, action) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    const asked = action(...[stores].flat().map((name) => transaction.objectStore(name)));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const get = (name) => run(THINGS, "readonly", (store) => store.get(name));
export const put = (name, value) => run(THINGS, "readwrite", (store) => store.put(value, name));
export const drop = (name) => run(THINGS, "readwrite", (store) => store.delete(name));

export async function forgetEverything() {
  await run(THINGS, "readwrite", (store) => store.clear());
  await run(EVENTS, "readwrite", (store) => store.clear());
}

async function sealKey() {
  const known = await get("seal");
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // Whoever came first keeps the key: two tabs must not seal with two.
  await run(THINGS, "readwrite", (store) => store.add(made, "seal")).catch(() => undefined);
  return get("seal");
}

const bound = (about) => new TextEncoder().encode(about);

export async function seal(value, about) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(value));
  const parameters = { name: "AES-GCM", iv, additionalData: bound(about) };
  return { iv, data: await crypto.subtle.encrypt(parameters, await sealKey(), plain) };
}

export async function unseal(sealed, about) {
  const parameters = { name: "AES-GCM", iv: sealed.iv, additionalData: bound(about) };
  const plain = await crypto.subtle.decrypt(parameters, await sealKey(), sealed.data);
  return JSON.parse(new TextDecoder().decode(plain));
}

// Events wait here until the server has said of each that it has it. What the kiosk remembers of them is kept with
// them, or neither is.
export async function keepEvent(event, memory) {
  const [sealed, remembered] = [await seal(event, `event:${event.id}`), await seal(memory, "memory")];
  await run([THINGS, EVENTS], "readwrite", (things, events) => {
    things.put(remembered, "memory");
    return events.put(sealed, event.id);
  });
}

// At most so many, without those of which the names are given.
export async function events(most, without) {
  const keys = await run(EVENTS, "readonly", (store) => store.getAllKeys());
  const found = [];
  for (const key of keys.filter((name) => !without.has(name)).slice(0, most)) {
    const sealed = await run(EVENTS, "readonly", (store) => store.get(key));
    if (sealed) found.push(await unseal(sealed, `event:${key}`));
  }
  return found;
}

export const countEvents = () => run(EVENTS, "readonly", (store) => store.count());

export const dropEvents = (ids) =>
  run(EVENTS, "readwrite", (store) => {
    for (const id of ids) store.delete(id);
  });
