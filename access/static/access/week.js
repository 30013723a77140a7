/* The grid of a week. What is done here is written into the lines of text, and they alone are saved. */
"use strict";
(() => {
  const DAY = 1440;
  const STEP = 15;
  const PART = /^(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})(?:\s+([a-z_]+))?$/;

  const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  const fieldTime = (minutes) => clock(minutes % DAY);
  const label = (bar) => `${clock(bar.start)}–${clock(bar.end > DAY ? bar.end - DAY : bar.end)}`;
  const line = (bars) => bars.map((bar) => `${label(bar)} ${bar.factors}`.trim()).join(", ");
  const inOrder = (bars) => [...bars].sort((one, other) => one.start - other.start);

  /* The bars that a line says, ends beyond DAY where they are on the next day; null if it says nothing clear. */
  function read(text) {
    const bars = [];
    for (const part of text.split(",").map((piece) => piece.trim()).filter(Boolean)) {
      const found = PART.exec(part);
      if (!found) return null;
      const start = Number(found[1]) * 60 + Number(found[2]);
      let end = Number(found[3]) * 60 + Number(found[4]);
      if (start >= DAY || end > DAY) return null;
      if (end <= start) end += DAY;
      bars.push({ start, end, factors: found[5] || "" });
    }
    return inOrder(bars);
  }

  /* Bars that touch the one that was moved become one with it. */
  function joined(bars, moved) {
    const apart = bars.filter((bar) => bar !== moved && (bar.end < moved.start || bar.start > moved.end
      || (bar.factors !== moved.factors && (bar.end === moved.start || bar.start === moved.end))));
    for (const bar of bars) {
      if (bar === moved || apart.includes(bar)) continue;
      moved.start = Math.min(moved.start, bar.start);
      moved.end = Math.max(moved.end, bar.end);
    }
    return inOrder([...apart, moved]);
  }

  function prepare(week) {
    const rows = [...week.querySelectorAll("[data-week-row]")].map((element) => ({
      element,
      name: element.querySelector("label").textContent,
      track: element.querySelector("[data-week-track]"),
      input: element.querySelector("input"),
      bars: [],
    }));
    let editor = null;

    function show() {
      rows.forEach((row, n) => {
        const before = n < 7 ? rows[(n + 6) % 7].bars : [];
        const carried = before.filter((bar) => bar.end > DAY).map((bar) => piece("div", "lintel-week-carried", 0, bar.end - DAY));
        row.track.replaceChildren(...carried, ...row.bars.map((bar) => button(row, bar)));
      });
    }

    function piece(kind, name, start, end) {
      const made = document.createElement(kind);
      made.className = name;
      made.style.left = `${(start / DAY) * 100}%`;
      made.style.width = `${((Math.min(end, DAY) - start) / DAY) * 100}%`;
      return made;
    }

    function button(row, bar) {
      const made = piece("button", "lintel-week-bar", bar.start, bar.end);
      made.type = "button";
      made.textContent = label(bar) + (bar.end > DAY ? " →" : "");
      made.title = line([bar]);
      made.setAttribute("aria-label", `${row.name} ${line([bar])}`);
      made.classList.toggle("lintel-week-strict", bar.factors !== "");
      made.classList.toggle("lintel-week-chosen", editor !== null && editor.bar === bar);
      made.addEventListener("click", () => edit(row, bar));
      made.addEventListener("keydown", (event) => {
        if (event.key === "Delete" || event.key === "Backspace") remove(row, bar);
      });
      made.bar = bar;
      return made;
    }

    function write(row) {
      row.input.value = line(row.bars);
      row.input.setAttribute("aria-invalid", "false");
      row.input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function remove(row, bar) {
      row.bars = row.bars.filter((other) => other !== bar);
      close();
      write(row);
      show();
    }

    function close() {
      if (editor) editor.element.remove();
      editor = null;
    }

    function edit(row, bar) {
      close();
      const element = week.querySelector("[data-week-editor]").content.firstElementChild.cloneNode(true);
      const [start, end, factors] = ["start", "end", "factors"].map((part) => element.querySelector(`[data-week-${part}]`));
      element.querySelector("[data-week-title]").textContent = row.name;
      start.value = fieldTime(bar.start);
      end.value = fieldTime(bar.end);
      factors.value = bar.factors;
      function changed() {
        const said = read(`${start.value}–${end.value} ${factors.value}`);
        if (!said) return;
        Object.assign(bar, said[0]);
        row.bars = joined(row.bars, bar);
        write(row);
        show();
      }
      [start, end, factors].forEach((input) => input.addEventListener("change", changed));
      element.querySelector("[data-week-delete]").addEventListener("click", () => remove(row, bar));
      row.element.append(element);
      editor = { element, bar };
      show();
    }

    function drag(row, event) {
      if (event.button !== 0) return;
      const box = row.track.getBoundingClientRect();
      const at = (pointer, step) => Math.min(DAY, Math.max(0, Math.round(((pointer.clientX - box.left) / box.width) * DAY / step) * step));
      let bar = event.target.bar;
      const first = at(event, STEP);
      let move;
      if (bar) {
        const edge = event.target.getBoundingClientRect();
        const { start, end } = bar;
        if (end <= DAY && event.clientX > edge.right - 8) move = (now) => { bar.end = Math.max(bar.start + STEP, now); };
        else if (event.clientX < edge.left + 8) move = (now) => { bar.start = Math.min(Math.min(end, DAY) - STEP, now); };
        else {
          move = (now) => {
            bar.start = Math.max(0, Math.min(now - first + start, DAY - Math.min(end - start, DAY)));
            bar.end = bar.start + end - start;
          };
        }
      } else {
        const anchor = Math.min(first, DAY - STEP);
        bar = { start: anchor, end: anchor + STEP, factors: "" };
        move = (now) => {
          bar.start = Math.min(anchor, now);
          bar.end = Math.max(anchor + STEP, now);
        };
      }
      let moved = false;
      function follow(pointer) {
        const now = at(pointer, STEP);
        if (!moved && now === first) return;
        moved = true;
        if (!row.bars.includes(bar)) row.bars.push(bar);
        move(now);
        show();
      }
      function finish() {
        removeEventListener("pointermove", follow);
        removeEventListener("pointerup", finish);
        removeEventListener("pointercancel", finish);
        if (!moved) return;
        row.bars = joined(row.bars, bar);
        write(row);
        edit(row, bar);
      }
      addEventListener("pointermove", follow);
      addEventListener("pointerup", finish);
      addEventListener("pointercancel", finish);
    }

    rows.forEach((row) => {
      row.bars = read(row.input.value) || [];
      row.track.hidden = false;
      row.track.addEventListener("pointerdown", (event) => drag(row, event));
      row.input.addEventListener("input", () => {
        const said = read(row.input.value);
        row.input.setAttribute("aria-invalid", String(said === null));
        close();
        if (said) row.bars = said;
        show();
      });
    });
    week.querySelectorAll("[data-week-copy]").forEach((copy) => copy.addEventListener("click", () => {
      close();
      copy.dataset.weekCopy.split(",").forEach((n) => {
        rows[n].bars = rows[0].bars.map((bar) => ({ ...bar }));
        write(rows[n]);
      });
      show();
    }));
    const hours = document.createElement("div");
    hours.className = "lintel-week-hours";
    for (let hour = 0; hour <= 24; hour += 3) {
      const mark = document.createElement("span");
      mark.textContent = String(hour);
      mark.style.left = `${(hour / 24) * 100}%`;
      hours.append(mark);
    }
    const ruler = week.querySelector("[data-week-ruler]");
    ruler.append(hours);
    ruler.hidden = false;
    week.querySelector("[data-week-tools]").hidden = false;
    show();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-week]").forEach(prepare));
})();
