// The time line under the player: a slider with ticks for failures, bands for idle stretches, lines where pages begin.
import { Thumbnails } from "./thumbnails.js";
import { clock } from "./times.js";

const KEY_STEPS = { ArrowLeft: -5000, ArrowRight: 5000, PageDown: -30_000, PageUp: 30_000 };
const PLACES = 400; // marks of one sort that a line has room for

export class Timeline {
  constructor(root, length, { seek, jump }, pictures) {
    Object.assign(this, { root, length, seek, jump, ms: 0, moments: [], idle: [], loaded: [], ticks: [] });
    this.part = (name) => root.querySelector(`#${name}`);
    this.thumbnails = new Thumbnails(this.part("thumbnail"), pictures);
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("pointermove", (event) => this.hover(event));
    root.addEventListener("pointerleave", () => this.hideHover());
    root.addEventListener("keydown", (event) => this.onKey(event));
    this.measure(length);
  }

  // The length became known, or grew: everything has a new place.
  measure(length) {
    this.length = length;
    this.root.setAttribute("aria-valuemax", length);
    this.showTicks(this.ticks);
    this.showMoments(this.moments);
    this.showIdle(this.idle);
    this.showLoaded(this.loaded);
    this.show(this.ms);
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
    const ms = this.at(event);
    const label = this.part("hover-time");
    label.hidden = event.pointerType === "touch";
    if (label.hidden) return;
    this.part("hover-words").textContent = clock(ms) + this.near(ms);
    this.thumbnails.show(ms);
    const box = this.root.getBoundingClientRect();
    const half = label.offsetWidth / 2;
    label.style.left = `${Math.min(box.width - half, Math.max(half, (ms / this.length) * box.width))}px`;
  }

  hideHover() {
    this.part("hover-time").hidden = true;
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
    this.ticks = ticks;
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
    this.moments = moments;
    const places = new Map();
    for (const moment of moments) {
      const place = `${moment.sort === "deed" ? 0 : moment.sort === "page" ? 2 : 1}-${Math.round((moment.ms / this.length) * PLACES)}`;
      const there = places.get(place);
      if (!there || (moment.bad && !there.bad)) places.set(place, moment);
    }
    const marks = [...places.values()].map((moment) => {
      const mark = band(moment.sort === "page" ? "page-start" : "moment", this.percent(moment.ms));
      mark.dataset.sort = moment.sort;
      mark.toggleAttribute("data-bad", moment.bad);
      return mark;
    });
    this.part("moments").replaceChildren(...marks);
  }

  // What happened within a few pixels of the pointer, for the hover label.
  near(ms) {
    const reach = this.length / 100;
    let best = null;
    for (const moment of [...this.moments, ...this.ticks.map((tick) => ({ ms: tick.ms, text: tick.label }))]) {
      if (Math.abs(moment.ms - ms) <= reach && (!best || Math.abs(moment.ms - ms) <= Math.abs(best.ms - ms))) best = moment;
    }
    if (best) return ` ${best.text.slice(0, 60)}`;
    return this.idle.some(([from, to]) => from <= ms && ms <= to) ? " nothing was done" : "";
  }

  showIdle(stretches) {
    this.idle = stretches;
    this.part("idle").replaceChildren(...stretches.map(([from, to]) => this.stretch("idle", from, to)));
  }

  showLoaded(stretches) {
    this.loaded = stretches;
    this.part("loaded").replaceChildren(...stretches.map(([from, to]) => this.stretch("loaded", from, to)));
  }

  stretch(name, from, to) {
    const mark = band(name, this.percent(from));
    mark.style.width = this.percent(to - from);
    return mark;
  }
}

function band(name, left) {
  const mark = document.createElement("div");
  mark.className = name;
  mark.style.left = left;
  return mark;
}
