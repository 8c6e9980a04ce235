// The Session page: plays the recording while it comes, and ties time line, lists and address to the playhead.
import { watchKeys } from "./keys.js";
import { idleStretches } from "./moments.js";
import { wirePanes } from "./panes.js";
import { Sides } from "./sides.js";
import { filterStory, framesOf, markCurrent, say, sayLooks } from "./said.js";
import { Stage, pageLoaded } from "./stage.js";
import { GAP, Tape, isNote } from "./tape.js";
import { Timeline } from "./timeline.js";
import { clock } from "./times.js";

const LEAD_MS = 2000; // a jump lands this long before the failure
const STEP_MS = 5000;
const TOLD_EVERY_MS = 400; // lists are told so often of what came
const LOOK_AGAIN_MS = 3000; // a visit that goes on is asked so often for more
const LONGEST_PAINT_MS = 250;
const AHEAD_MS = 60_000; // while playing the stage is given no more than what comes up
const LIVE_LAG_MS = 1500; // watching live stays so far behind the newest event, so that there is always something to play
const LIVE_BEHIND_MS = 4000; // and goes on ahead when it has fallen so far behind: a page where little happens sends seldom

const byId = (id) => document.getElementById(id);
const section = byId("player");
const screen = byId("screen");
const note = byId("screen-note");
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const painted = () =>
  new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, LONGEST_PAINT_MS); // a page that nobody sees draws nothing
  });

wirePanes(document.querySelector("[data-panes]"));

async function start() {
  note.textContent = "Loading the recording…";
  const watch = new Watch();
  watch.tape.fill(0, watch.wanted.ms);
  try {
    const [{ Replayer }] = await Promise.all([import("./player.js"), pageLoaded()]);
    watch.stage = new Stage(screen, Replayer, () => watch.onFinish());
    watch.place();
  } catch (error) {
    watch.fail(error);
  }
}

class Watch {
  constructor() {
    const tell = { head: () => this.onHead(), events: (piece, events) => this.onEvents(piece, events), looks: sayLooks, whole: () => this.onWhole(), failed: (error) => this.fail(error) };
    this.tape = new Tape(section.dataset.stream, tell);
    this.sides = new Sides((ms) => this.jump(ms, 0));
    this.stage = null;
    this.from = null; // the piece that what is on the stage begins with
    this.held = []; // events that something earlier may still come before
    this.isPlaying = false;
    this.isLive = false;
    this.newest = 0;
    this.length = Number(section.dataset.length) || 1;
    const asked = Number(section.dataset.start);
    this.wanted = { ms: Math.max(0, asked >= 0 ? asked - LEAD_MS : 0), isPlaying: asked >= 0 };
    this.timeline = new Timeline(byId("timeline"), this.length, { seek: (ms) => this.seek(ms), jump: (ms) => this.jump(ms) }, JSON.parse(section.dataset.pictures));
    this.showTicks();
    this.wire();
  }

  get zero() {
    return this.tape.zero;
  }

  onHead() {
    byId("live").hidden = !this.tape.isOpen;
    if (!this.tape.isOpen) this.setLive(false);
    this.measure();
  }

  onEvents(piece, events) {
    this.newest = events.reduce((newest, event) => Math.max(newest, event.timestamp), this.newest);
    if (this.from && this.isForStage(this.tape.pieces.indexOf(piece))) {
      for (const event of events) this.held.push(event);
      this.isUnsorted = true;
      this.feed();
      if (this.isLive && this.newest - this.zero - this.now() > LIVE_BEHIND_MS) this.goLive();
    }
    this.measure();
    const hadPicture = this.from !== null;
    this.place();
    this.tellSoon();
    return hadPicture || !this.from ? undefined : painted(); // what comes after the first picture waits until it can be seen
  }

  // All there is has come; of a visit that goes on, for now.
  onWhole() {
    this.tellNow();
    section.dataset.whole = "yes";
    if (this.tape.isOpen) this.waiting = setTimeout(() => this.lookAgain(), LOOK_AGAIN_MS);
    const problem = this.unplayable();
    if (problem && !(this.tape.isOpen && !section.dataset.absent)) this.fail(new Error(problem));
    else if (problem) note.textContent = "Waiting for the first picture of the page…";
  }

  // Asked every few seconds, and at once when the project's stream says that a chunk came.
  lookAgain() {
    clearTimeout(this.waiting);
    this.waiting = document.hidden ? setTimeout(() => this.lookAgain(), LOOK_AGAIN_MS) : 0;
    if (!this.waiting) this.tape.fill(this.tape.pieces.length);
  }

  fail(error) {
    if (this.from && this.tape.isOpen) return void (this.waiting = setTimeout(() => this.lookAgain(), LOOK_AGAIN_MS * 4));
    const told = error.message || "The recording can't be shown.";
    if (this.from) return say(told);
    note.textContent = told;
    screen.append(note);
    section.dataset.failed = "yes";
    this.tellNow();
  }

  unplayable() {
    const events = this.tape.pieces.flatMap((piece) => piece.events);
    const isWhole = events.some((event) => event.type === 2 && event.data?.node);
    const why = section.dataset.absent;
    if (why && !isWhole) return `There is no replay of this session: ${why}.${events.length ? " What arrived is listed beside." : ""}`;
    if (!events.length) return "This session has no recording.";
    if (!isWhole) return "This recording holds no picture of a page: there is nothing to play. Its events are listed beside.";
    return events.length < 2 ? "This recording holds a single moment; there is nothing to play." : "";
  }

  measure() {
    const length = Math.max(1, this.tape.end - this.zero);
    if (!this.zero || length === this.length) return;
    this.length = length;
    byId("length").textContent = clock(length);
    this.timeline.measure(length);
  }

  // ── what is on the stage ────────────────────────────────────────────────────────────────

  // What comes before the stage's own first piece is for the lists alone, until somebody goes there.
  isForStage(n) {
    const own = this.tape.pieces.indexOf(this.from);
    return n >= own && n <= this.tape.runAround(own)[1];
  }

  // Go where somebody wants to be, once enough of the recording has come for it.
  place() {
    if (!this.wanted || !this.stage || !this.tape.pieces.length) return;
    const time = this.zero + this.wanted.ms;
    if (!this.tape.reaches(Math.min(time, this.tape.end)) || !this.mountFor(time)) return;
    const { ms, isPlaying } = this.wanted;
    this.stage.halt();
    this.setPlaying(false);
    this.feed(); // at rest all that has come is the stage's
    this.wanted = null;
    screen.removeAttribute("data-waiting");
    if (isPlaying) this.play(ms);
    else this.rest(ms);
    section.dataset.ready = "yes";
  }

  // Whether the stage can show ``time``; it is set anew where what it holds begins later, or elsewhere.
  mountFor(time) {
    const base = this.tape.baseOf(time);
    const [from, to] = this.tape.runAround(base);
    const at = this.from ? this.tape.pieces.indexOf(this.from) : -1;
    if (at >= from && at <= base && base <= to) return true;
    const events = this.tape.eventsOf(from, to);
    const horizon = this.tape.horizon(from);
    const due = events.filter((event) => event.timestamp <= horizon);
    const canPlay = due.length > 1 && due.some((event) => event.type === 2 && event.data?.node);
    if (!canPlay) return false;
    note.remove();
    this.from = this.tape.pieces[from];
    this.held = events.filter((event) => event.timestamp > horizon);
    this.stage.mount(due, this.zero);
    if (this.controls !== "shown") this.showControls();
    return true;
  }

  feed() {
    if (!this.held.length) return;
    const known = this.tape.horizon(this.tape.pieces.indexOf(this.from));
    const horizon = this.isPlaying ? Math.min(known, this.zero + this.now() + AHEAD_MS) : known;
    if (this.held[0].timestamp > horizon && !this.isUnsorted) return;
    if (this.isUnsorted) this.held.sort((a, b) => a.timestamp - b.timestamp);
    this.isUnsorted = false;
    let due = this.held.findIndex((event) => event.timestamp > horizon);
    if (due < 0) due = this.held.length;
    if (!due) return;
    this.stage.add(this.held.splice(0, due), this.isPlaying);
    if (this.isShort) {
      this.isShort = false;
      this.play(this.now());
    }
  }

  // The stage has played all that it holds: the end, or what is still to come.
  onFinish() {
    const at = this.now();
    if (this.isPlaying && (this.length - at > 250 || this.tape.isOpen) && !section.dataset.failed) {
      this.isShort = true;
      return;
    }
    this.setPlaying(false);
    this.show(this.length);
  }

  showControls() {
    this.controls = "shown";
    for (const id of ["timeline", "controls"]) byId(id).hidden = false;
    byId("length").textContent = clock(this.length);
  }

  // ── the lists ───────────────────────────────────────────────────────────────────────────

  tellSoon() {
    this.telling ??= setTimeout(() => this.tellNow(), TOLD_EVERY_MS);
  }

  tellNow() {
    clearTimeout(this.telling);
    this.telling = undefined;
    const runs = this.tape.runs();
    const { moments, notes } = this.sides.set(this.tape);
    this.timeline.showMoments(moments.map((moment) => ({ ...moment, ms: moment.at - this.zero })));
    this.timeline.showIdle(runs.flatMap(idleStretches).map(([from, to]) => [from - this.zero, to - this.zero]));
    this.timeline.showLoaded(runs.map((run) => [run[0].first - this.zero, run.at(-1).last - this.zero]));
    const lost = notes.filter((event) => isNote(event, GAP)).length;
    if (lost) say(`${lost === 1 ? "A piece" : `${lost} pieces`} of this recording can't be read; the replay has gaps.`);
    this.frames = null;
    if (this.from && !this.wanted) this.show(this.now());
  }

  showTicks() {
    const links = [...document.querySelectorAll("[data-tick]")];
    this.ticks = links.map((link) => {
      const item = link.closest("li");
      return { ms: Number(link.dataset.jump), kind: item.dataset.kind, state: item.dataset.state, label: link.querySelector(".failure-label").textContent, item };
    });
    this.timeline.showTicks(this.ticks);
    this.moments = [...document.querySelectorAll("[data-moment]")].map((link) => ({ ms: Number(link.dataset.jump), item: link.closest("li") }));
    byId("next-failure").disabled = !this.ticks.length;
    filterStory();
  }

  // ── steering ────────────────────────────────────────────────────────────────────────────

  wire() {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-jump]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.jump(Number(link.dataset.jump));
      const here = section.getBoundingClientRect();
      if (here.top < 0 || here.top > innerHeight - 120) section.scrollIntoView({ block: "start" });
    });
    document.addEventListener("htmx:afterSettle", () => this.showTicks());
    document.addEventListener("retrospec:session", () => this.waiting && this.lookAgain());
    byId("story-words")?.addEventListener("input", filterStory);
    byId("toggle").addEventListener("click", () => this.toggle());
    byId("step-back").addEventListener("click", () => this.seek(this.now() - STEP_MS));
    byId("step-on").addEventListener("click", () => this.seek(this.now() + STEP_MS));
    byId("next-failure").addEventListener("click", () => this.nextFailure());
    byId("speed").addEventListener("change", (event) => this.stage.set({ speed: Number(event.target.value) }));
    byId("skip-idle").addEventListener("change", (event) => this.stage.set({ skipInactive: event.target.checked }));
    byId("full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : section.requestFullscreen()));
    byId("live").addEventListener("click", () => this.setLive(!this.isLive));
    watchKeys(this);
    const follow = () => {
      if (this.isPlaying && this.from && !this.wanted) {
        this.show(this.now());
        this.feed();
      }
      requestAnimationFrame(follow);
    };
    requestAnimationFrame(follow);
  }

  now() {
    return this.wanted ? this.wanted.ms : this.from ? clamp(this.stage.now(), 0, this.length) : 0;
  }

  setPlaying(isPlaying) {
    this.isPlaying = isPlaying;
    byId("toggle").dataset.state = isPlaying ? "playing" : "paused";
    byId("toggle-name").textContent = isPlaying ? "Pause" : "Play";
  }

  toggle() {
    if (this.isPlaying) {
      this.setLive(false);
      return this.seek(this.now(), false);
    }
    return this.seek(this.now() >= this.length - 50 ? 0 : this.now(), true);
  }

  play(ms) {
    this.stage.play(ms);
    this.setPlaying(true);
    this.show(ms);
  }

  rest(ms) {
    this.stage.pause(ms);
    this.setPlaying(false);
    this.show(ms);
  }

  seek(ms, isPlaying = this.isPlaying) {
    const to = clamp(ms, 0, this.length);
    this.isShort = false;
    this.wanted = { ms: to, isPlaying: isPlaying && to < this.length };
    this.show(to);
    this.place();
    if (!this.wanted || !this.tape.pieces.length) return;
    screen.setAttribute("data-waiting", `Loading ${clock(to)}…`);
    this.setPlaying(this.wanted.isPlaying);
    const base = this.tape.baseOf(this.zero + to);
    const [, reached] = this.tape.runAround(base);
    this.tape.fill(this.tape.pieces[base].whole ? Math.min(reached + 1, this.tape.pieces.length - 1) : base);
  }

  jump(ms, lead = LEAD_MS) {
    this.setLive(false);
    this.seek(Math.min(Math.max(0, ms - lead), Math.max(0, this.length - 1)), true);
    const query = new URLSearchParams(location.search);
    query.set("t", String(Math.round(ms)));
    history.replaceState(history.state, "", `?${query}${location.hash}`);
  }

  // A picture on or back: to the next moment at which something on the page changed.
  stepFrame(direction) {
    this.frames ??= framesOf(this.tape, this.zero);
    const now = this.now();
    const next = direction > 0 ? this.frames.find((ms) => ms > now + 1) : this.frames.findLast((ms) => ms < now - 1);
    if (next !== undefined) this.seek(next, false);
  }

  nextFailure() {
    const from = this.now() + LEAD_MS + 100;
    const next = this.ticks.find((tick) => tick.ms > from) ?? this.ticks[0];
    if (next) this.jump(next.ms);
  }

  previousFailure() {
    const before = this.now() + LEAD_MS - 100;
    const earlier = this.ticks.filter((tick) => tick.ms < before).pop() ?? this.ticks[this.ticks.length - 1];
    if (earlier) this.jump(earlier.ms);
  }

  changeSpeed(step) {
    const speed = byId("speed");
    const wanted = clamp(speed.selectedIndex + step, 0, speed.options.length - 1);
    if (wanted === speed.selectedIndex) return;
    speed.selectedIndex = wanted;
    speed.dispatchEvent(new Event("change"));
  }

  setLive(isLive) {
    if (isLive === this.isLive) return;
    this.isLive = isLive;
    byId("live").setAttribute("aria-pressed", isLive);
    if (isLive) this.goLive();
  }

  goLive() {
    this.seek(Math.max(0, this.newest - this.zero - LIVE_LAG_MS), true);
  }

  show(ms) {
    this.sides.follow(this.zero + ms);
    byId("clock").textContent = clock(ms);
    this.timeline.show(ms);
    markCurrent(this.ticks, ms, LEAD_MS);
    markCurrent(this.moments, ms, 0);
  }
}

if ("missing" in section.dataset) note.textContent = "The player has not been built here. Run: python hatch_build.py";
else start();
