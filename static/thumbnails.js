// What the page looked like under the pointer: from a film where one was made, else the nearest picture of the screen check.
import { clock } from "./times.js";

const NEAR_MS = 15_000; // a picture taken further away says nothing of this moment

export class Thumbnails {
  // ``pictures``: {stills: [[ms, url]…], films: [[from, to, url]…]}
  constructor(root, { stills, films }) {
    Object.assign(this, { root, stills, films, shown: "" });
    this.image = root.querySelector("img");
    this.film = root.querySelector("video");
    this.words = root.querySelector("figcaption");
  }

  show(ms) {
    const film = this.films.find(([from, to]) => from <= ms && ms <= to);
    const still = this.stills.reduce((best, one) => (Math.abs(one[0] - ms) < Math.abs((best?.[0] ?? Infinity) - ms) ? one : best), null);
    const isStill = !film && still && Math.abs(still[0] - ms) <= NEAR_MS;
    this.root.hidden = !film && !isStill;
    this.film.hidden = !film;
    this.image.hidden = !isStill;
    if (film) this.seek(film, ms);
    else if (isStill && this.shown !== still[1]) this.image.src = this.shown = still[1];
    this.words.textContent = isStill ? `Seen at ${clock(still[0])}` : "";
  }

  seek([from, , url], ms) {
    if (this.shown !== url) this.film.src = this.shown = url;
    this.film.currentTime = Math.max(0, (ms - from) / 1000);
  }
}
