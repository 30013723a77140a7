// What time it is at the server. The tablet's own clock is only asked before the server has been.
// While the page lives, time is counted by the monotonic clock: nobody who sets the tablet's clock moves it.

let offset = 0; // server time less the tablet's wall clock, milliseconds
let anchor = null; // { server, ticks } of the best measurement in this life of the page
let narrowest = Infinity;

export const known = () => anchor !== null;
export const now = () => (anchor ? anchor.server + (performance.now() - anchor.ticks) : Date.now() + offset);
export const offsetNow = () => Math.round(now() - Date.now());

export function remember(milliseconds) {
  offset = milliseconds;
}

// The server said `server` (ms) in answer to a request that left at `left` and came back at `back` (ticks).
// Half the way there and half the way back is a guess that errs by half the time the round took at most.
export function measured(server, left, back) {
  const took = back - left;
  if (took > narrowest + 200 && back - (anchor?.ticks ?? -Infinity) < 600_000) return;
  narrowest = took;
  anchor = { server: server + took / 2, ticks: back };
  offset = offsetNow();
}
