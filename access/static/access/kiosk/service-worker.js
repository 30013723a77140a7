// Keeps the page's own files, so that it starts without a network. Never an answer of the server: those are not kept.
// Before this stand VERSION and KEPT, written by the server.

const CACHE = `lintel-kiosk-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(KEPT.map((address) => new Request(address, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("lintel-kiosk-") && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (!KEPT.includes(pathname)) return;
  // All files of one version, from the first to the last: a new version comes with the next start of the page.
  event.respondWith(
    caches.open(CACHE).then(async (cache) => (await cache.match(pathname)) ?? fetch(event.request)),
  );
});
