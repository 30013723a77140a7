/* What makes the admin's pages livelier. Every page works without it. */
"use strict";

/* A zone for photographs: dropped files join those chosen; each shows as a thumbnail and can be left out. */
function prepareDropZone(zone) {
  const input = zone.querySelector("input[type=file]");
  const list = zone.querySelector("[data-drop-chosen]");
  let files = [];
  zone.classList.add("lintel-drop-ready");
  zone.querySelector("[data-drop-invitation]").textContent = list.dataset.drag;

  function show() {
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
    list.replaceChildren(...files.map(thumbnail));
  }

  function thumbnail(file) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    const name = document.createElement("span");
    const remove = document.createElement("button");
    image.src = URL.createObjectURL(file);
    image.alt = "";
    name.textContent = name.title = file.name;
    remove.type = "button";
    remove.textContent = "×";
    remove.title = list.dataset.remove;
    remove.setAttribute("aria-label", `${list.dataset.remove}: ${file.name}`);
    remove.addEventListener("click", () => {
      files = files.filter((other) => other !== file);
      show();
    });
    item.append(image, name, remove);
    return item;
  }

  function add(more) {
    const known = new Set(files.map((file) => `${file.name}/${file.size}/${file.lastModified}`));
    const fresh = [...more].filter((file) => !known.has(`${file.name}/${file.size}/${file.lastModified}`));
    files = [...files, ...fresh];
    show();
  }

  input.addEventListener("change", (event) => {
    event.stopImmediatePropagation(); /* the theme would look for its own text field beside the input */
    add(input.files);
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("lintel-drop-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("lintel-drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("lintel-drop-over");
    add(event.dataTransfer.files);
  });
}

/* While the worker looks, the panel asks once a second and replaces only what has changed. */
const LOOK_AGAIN = 1000;

async function lookAgain() {
  const panel = document.querySelector("[data-photographs]");
  if (!panel || panel.dataset.waiting !== "yes") return;
  try {
    const answer = await fetch(panel.dataset.photographs, { credentials: "same-origin" });
    if (answer.status === 403) return;
    if (answer.ok) update(panel, await answer.text());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; /* the network is away; asked again below */
  }
  setTimeout(lookAgain, LOOK_AGAIN);
}

function update(panel, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-photographs]");
  panel.dataset.waiting = fresh.dataset.waiting;
  panel.querySelector("h2").replaceWith(fresh.querySelector("h2"));
  fresh.querySelectorAll(".lintel-card").forEach((card) => {
    const old = document.getElementById(card.id);
    if (old && old.dataset.state !== card.dataset.state) old.replaceWith(card);
  });
}

/* Only what changed is replaced, so that no picture is fetched again for nothing; new or lost parts renew all, and
   what has no parts is one. */
function renew(whole, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  const parts = [...fresh.querySelectorAll("[data-part]")];
  const known = parts.map((part) => whole.querySelector(`[data-part="${part.dataset.part}"]`));
  if (!parts.length || known.includes(null) || known.length !== whole.querySelectorAll("[data-part]").length) {
    whole.replaceChildren(...fresh.childNodes);
    return;
  }
  parts.forEach((part, number) => part.outerHTML === known[number].outerHTML || known[number].replaceWith(part));
  const figures = [fresh, whole].map((where) => where.querySelector(".lintel-figures"));
  if (figures[0] && figures[1]) figures[1].replaceWith(figures[0]);
}

/* What changes by itself on the first page, asked for again while somebody looks. */
function keepLive(part) {
  const pause = Number(part.dataset.liveSeconds) * 1000;

  async function again() {
    const reading = part.contains(document.activeElement) && document.activeElement !== document.body;
    if (document.visibilityState === "visible" && !reading) {
      try {
        const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
        if (answer.status === 403) return location.reload(); /* signed out: the page asks to sign in */
        if (answer.ok) renew(part, await answer.text());
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; /* the network is away; asked again below */
      }
    }
    setTimeout(again, pause);
  }

  setTimeout(again, pause);
}

/* The search box in the header: what is found appears below it as one types, and the arrows walk through it. */
const TYPING = 150;

function prepareSearch(form) {
  const input = form.querySelector("input[type=search]");
  const found = form.querySelector("[data-found]");
  const page = form.dataset.findPart;
  if (!page) return input.focus(); /* the browser does it by itself, but not where something had the focus before */
  let asked = 0;
  let timer = 0;

  function close() {
    found.hidden = true;
    asked += 1;
  }

  async function ask() {
    const mine = (asked += 1);
    if (!input.value.trim()) return close();
    try {
      const answer = await fetch(`${page}?part=1&q=${encodeURIComponent(input.value)}`, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected || mine !== asked) return;
      found.innerHTML = await answer.text();
      found.hidden = false;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; /* the network is away; Enter still asks for the page */
    }
  }

  function walk(event, step) {
    const stops = [input, ...found.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next || found.hidden) return;
    event.preventDefault();
    next.focus();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING);
  });
  input.addEventListener("focus", () => input.value.trim() && found.childElementCount && (found.hidden = false));
  form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") walk(event, 1);
    if (event.key === "ArrowUp") walk(event, -1);
    if (event.key === "Escape") {
      event.preventDefault();
      close();
      input.focus();
    }
  });
  form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
  found.addEventListener("mousedown", (event) => event.preventDefault()); /* a click keeps the focus, so the link stays */
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const wanted = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
    if (!wanted || !input.offsetParent) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

function prepareCopy(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.done;
  });
}

/* The theme's searchable lists stand in for a select: they take over its name. */
function nameLists() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const list = select.nextElementSibling;
    const name = select.getAttribute("aria-label") || (select.labels.length && select.labels[0].textContent.trim());
    if (!list || !name) continue;
    list.querySelectorAll("[role=combobox], [role=textbox], .select2-search__field").forEach((part) => {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", name);
    });
  }
}

/* They are made some time after the page was read, and again for each row that is added. */
function watchLists() {
  const isList = (node) => node.classList && node.classList.contains("select2");
  const seen = (changes) => changes.some((change) => [...change.addedNodes].some(isList)) && nameLists();
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  nameLists();
}

function preparePrint(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-print]").forEach(preparePrint);
  document.querySelectorAll("[data-drop]").forEach(prepareDropZone);
  document.querySelectorAll("[data-find]").forEach(prepareSearch);
  document.querySelectorAll("[data-copy]").forEach(prepareCopy);
  document.querySelectorAll("[data-live]").forEach(keepLive);
  watchLists();
  document.querySelector(".lintel-menu a.active")?.scrollIntoView({ block: "nearest" });
  setTimeout(lookAgain, LOOK_AGAIN);
});
