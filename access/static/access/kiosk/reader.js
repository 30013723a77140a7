// A card reader that types like a keyboard: fast, and with Enter at the end.

const GAP = 120; // milliseconds between two characters; no person types a number so fast
const LEAST = 4;

export class Reader {
  constructor(done) {
    this.done = done;
    this.typed = "";
    this.last = 0;
  }

  pressed(event) {
    if (event.timeStamp - this.last > GAP) this.typed = "";
    this.last = event.timeStamp;
    if (event.key === "Enter") {
      const card = this.typed;
      this.typed = "";
      if (card.length >= LEAST) this.done(card);
      else return;
    } else if (event.key.length === 1) this.typed += event.key;
    else return;
    event.preventDefault();
  }
}
