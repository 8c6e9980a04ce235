// The time line under the player: a slider with ticks for failures, bands for idle stretches, lines where pages begin.
import { clock } from "./times.js";

const KEY_STEPS = { ArrowLeft: -5000, ArrowRight: 5000, PageDown: -30_000, PageUp: 30_000 };

export class Timeline {
  constructor(root, length, { seek, jump }) {
    this.root = root;
    this.length = length;
    this.seek = seek;
    this.jump = jump;
    this.ms = 0;
    this.part = (name) => root.querySelector(`#${name}`);
    root.setAttribute("aria-valuemax", length);
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("pointermove", (event) => this.hover(event));
    root.addEventListener("pointerleave", () => (this.part("hover-time").hidden = true));
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.length;
  }

  grab(event) {
    if (event.button !== 0 || event.target.closest(".tick-mark")) return;
    this.root.setPointerCapture(event.pointerId);
    this.seek(this.at(event));
    const move = (moved) => this.seek(this.at(moved));
    this.root.addEventListener("pointermove", move);
    const release = () => this.root.removeEventListener("pointermove", move);
    this.root.addEventListener("pointerup", release, { once: true });
    this.root.addEventListener("pointercancel", release, { once: true });
  }

  hover(event) {
    const time = this.part("hover-time");
    time.hidden = event.pointerType === "touch";
    time.textContent = clock(this.at(event)) + this.near(this.at(event));
    time.style.left = `${(this.at(event) / this.length) * 100}%`;
  }

  onKey(event) {
    const target = event.key === "Home" ? 0 : event.key === "End" ? this.length : event.key in KEY_STEPS ? this.ms + KEY_STEPS[event.key] : null;
    if (target === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(target);
  }

  percent(ms) {
    return `${Math.min(100, Math.max(0, (ms / this.length) * 100))}%`;
  }

  show(ms) {
    this.ms = ms;
    this.part("played").style.width = this.percent(ms);
    this.part("head").style.left = this.percent(ms);
    this.root.setAttribute("aria-valuenow", Math.round(ms));
    this.root.setAttribute("aria-valuetext", `${clock(ms)} of ${clock(this.length)}`);
  }

  showTicks(ticks) {
    const marks = ticks.map((tick) => {
      const mark = document.createElement("span"); // a slider may hold no controls; the list below has the same failures, reachable by keyboard
      mark.className = "tick-mark";
      mark.dataset.kind = tick.kind;
      mark.dataset.state = tick.state;
      mark.title = `${clock(tick.ms)} ${tick.label}`;
      mark.style.left = this.percent(tick.ms);
      mark.addEventListener("click", () => this.jump(tick.ms));
      return mark;
    });
    this.part("ticks").replaceChildren(...marks);
  }

  // Marks under the track, one for what falls on the same pixel: what failed is shown rather than what did not.
  showMoments(moments) {
    const places = new Map();
    for (const moment of moments) {
      const place = `${moment.sort === "deed" ? 0 : 1}-${Math.round((moment.ms / this.length) * 400)}`;
      const there = places.get(place);
      if (!there || (moment.bad && !there.bad)) places.set(place, moment);
    }
    const marks = [...places.values()].map((moment) => {
      const mark = band("moment", this.percent(moment.ms));
      mark.dataset.sort = moment.sort;
      mark.toggleAttribute("data-bad", moment.bad);
      return mark;
    });
    this.moments = moments;
    this.part("moments").replaceChildren(...marks);
  }

  // What happened within a few pixels of the pointer, for the hover label.
  near(ms) {
    const reach = this.length / 100;
    let best = null;
    for (const moment of this.moments ?? []) if (Math.abs(moment.ms - ms) <= reach && (!best || Math.abs(moment.ms - ms) < Math.abs(best.ms - ms))) best = moment;
    return best ? ` ${best.text.slice(0, 60)}` : "";
  }

  showPages(positions) {
    for (const position of positions) this.root.prepend(band("page-start", `${position}%`));
  }

  showIdle(stretches) {
    for (const [from, to] of stretches) {
      const mark = band("idle", this.percent(from));
      mark.style.width = this.percent(to - from);
      this.root.querySelector(".track").append(mark);
    }
  }
}

function band(name, left) {
  const mark = document.createElement("div");
  mark.className = name;
  mark.style.left = left;
  return mark;
}
