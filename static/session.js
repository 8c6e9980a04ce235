// The Session page: loads the recording, plays it, and ties time line, lists and address to the playhead.
import { wireEvents } from "./events.js";
import { momentsOf } from "./moments.js";
import { wirePanes } from "./panes.js";
import { Timeline } from "./timeline.js";
import { clock } from "./times.js";

const LEAD_MS = 2000; // a jump lands this long before the failure
const STEP_MS = 5000;
const GAP = "retrospec.gap";
const LOOKS = "retrospec.looks";
const LOOKS_WORDS = { image: ["picture", "pictures"], font: ["font", "fonts"], style: ["stylesheet", "stylesheets"] };

const byId = (id) => document.getElementById(id);
const section = byId("player");
const screen = byId("screen");
const note = byId("screen-note");

wirePanes(document.querySelector("[data-panes]"));
if ("missing" in section.dataset) note.textContent = "The player has not been built here. Run: python hatch_build.py";
else start();

async function start() {
  note.textContent = "Loading the recording…";
  try {
    const [events, { default: Player }] = await Promise.all([load(section.dataset.events), import("./player.js")]);
    const list = wireEvents(byId("events-list"), events, jumpLater);
    const problem = unplayable(events);
    if (problem) throw new Error(problem);
    new Watch(events, Player, list);
  } catch (error) {
    note.textContent = error.message || "The recording can't be shown.";
    screen.append(note);
  }
}

async function load(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error("The recording is not there any more.");
  const events = await answer.json().catch(() => {
    throw new Error("The recording broke off while loading. Reload to try again.");
  });
  sayLooks(events.find((event) => isNote(event, LOOKS)));
  return events.filter((event) => event && Number.isFinite(event.timestamp) && !isNote(event, LOOKS)).sort((a, b) => a.timestamp - b.timestamp);
}

const isNote = (event, tag) => event?.type === 5 && event.data?.tag === tag;

// What the recorded page loaded from its site and the vault has no copy of.
function sayLooks(event) {
  if (!event) return;
  const parts = Object.entries(LOOKS_WORDS)
    .filter(([sort]) => event.data.payload[sort] > 0)
    .map(([sort, [one, many]]) => `${event.data.payload[sort]} ${event.data.payload[sort] === 1 ? one : many}`);
  const note = byId("looks-note");
  note.textContent = `Not stored with this session, so not shown: ${parts.join(", ").replace(/, ([^,]*)$/, " and $1")} of the page.`;
  note.hidden = false;
}

function unplayable(events) {
  const isWhole = (event) => event.type === 2 && event.data?.node;
  const why = section.dataset.absent;
  if (why && !events.some(isWhole)) return `There is no replay of this session: ${why}.${events.length ? " What arrived is listed beside." : ""}`;
  if (!events.length) return "This session has no recording.";
  if (!events.some(isWhole)) return "This recording holds no picture of a page: there is nothing to play. Its events are listed beside.";
  return events.length < 2 ? "This recording holds a single moment; there is nothing to play." : "";
}

let watch = null;
function jumpLater(ms, lead) {
  watch?.jump(ms, lead);
}

class Watch {
  constructor(events, Player, list) {
    watch = this;
    this.list = list;
    this.first = events[0].timestamp;
    this.length = Math.max(1, events[events.length - 1].timestamp - this.first);
    this.isPlaying = false;
    // before its first whole picture the replayer would show whatever it showed last
    this.earliest = events.find((event) => event.type === 2).timestamp - this.first + 1;
    note.remove();
    this.player = new Player({ target: screen, props: { events, ...this.size(), showController: false, autoPlay: false, skipInactive: false, mouseTail: false, triggerFocus: false, showWarning: false, UNSAFE_replayCanvas: false } });
    this.replayer = this.player.getReplayer();
    this.timeline = new Timeline(byId("timeline"), this.length, { seek: (ms) => this.seek(ms), jump: (ms) => this.jump(ms) });
    this.timeline.showPages(JSON.parse(section.dataset.pages));
    this.timeline.showIdle(idleStretches(events, this.first));
    this.timeline.showMoments(momentsOf(events, this.first));
    this.say(events);
    this.wire();
    this.begin(Number(section.dataset.start));
  }

  begin(startMs) {
    for (const id of ["timeline", "controls"]) byId(id).hidden = false;
    byId("length").textContent = clock(this.length);
    this.showTicks();
    this.resize();
    if (startMs >= 0) this.jump(startMs);
    else this.seek(0);
    section.dataset.ready = "yes";
  }

  size() {
    return { width: screen.clientWidth, height: screen.clientHeight };
  }

  resize() {
    this.player.$set(this.size());
    requestAnimationFrame(() => this.player.triggerResize());
  }

  say(events) {
    const lost = events.filter((event) => isNote(event, GAP));
    if (!lost.length) return;
    const warning = byId("screen-warning");
    warning.textContent = `${lost.length === 1 ? "A piece" : `${lost.length} pieces`} of this recording can't be read; the replay has gaps.`;
    warning.hidden = false;
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
  }

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
    byId("toggle").addEventListener("click", () => this.toggle());
    byId("step-back").addEventListener("click", () => this.seek(this.now() - STEP_MS));
    byId("step-on").addEventListener("click", () => this.seek(this.now() + STEP_MS));
    byId("next-failure").addEventListener("click", () => this.nextFailure());
    byId("speed").addEventListener("change", (event) => this.player.setSpeed(Number(event.target.value)));
    byId("skip-idle").addEventListener("change", () => this.player.toggleSkipInactive());
    byId("full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : section.requestFullscreen()));
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.replayer.on("finish", () => this.setPlaying(false));
    new ResizeObserver(() => this.resize()).observe(screen);
    const follow = () => {
      if (this.isPlaying) this.show(this.now());
      requestAnimationFrame(follow);
    };
    requestAnimationFrame(follow);
  }

  onKey(event) {
    if (event.target.closest("input, select, textarea, [role=tab]") || event.metaKey || event.ctrlKey || event.altKey) return;
    const isOnControl = event.target.closest("a, button, summary");
    const actions = { ArrowLeft: () => this.seek(this.now() - STEP_MS), ArrowRight: () => this.seek(this.now() + STEP_MS), n: () => this.nextFailure(), p: () => this.previousFailure(), "<": () => this.changeSpeed(-1), ">": () => this.changeSpeed(1), i: () => byId("skip-idle").click(), f: () => byId("full").click(), k: () => this.toggle() };
    if (!isOnControl) actions[" "] = () => this.toggle();
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  now() {
    return Math.min(this.length, Math.max(0, this.replayer.getCurrentTime()));
  }

  setPlaying(isPlaying) {
    this.isPlaying = isPlaying;
    byId("toggle").dataset.state = isPlaying ? "playing" : "paused";
    byId("toggle-name").textContent = isPlaying ? "Pause" : "Play";
  }

  toggle() {
    if (this.isPlaying) return this.seek(this.now(), false);
    this.play(this.now() >= this.length - 50 ? 0 : this.now());
  }

  play(ms) {
    this.player.goto(Math.max(ms, this.earliest), true);
    this.setPlaying(true);
    this.show(ms);
  }

  seek(ms, isPlaying = this.isPlaying) {
    const to = Math.min(this.length, Math.max(0, ms));
    if (isPlaying && to < this.length) return this.play(to);
    this.player.goto(Math.max(to, this.earliest), false);
    this.setPlaying(false);
    this.show(to);
  }

  jump(ms, lead = LEAD_MS) {
    this.play(Math.min(Math.max(0, ms - lead), Math.max(0, this.length - 1)));
    history.replaceState(history.state, "", `?t=${Math.round(ms)}`);
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
    const wanted = Math.min(speed.options.length - 1, Math.max(0, speed.selectedIndex + step));
    if (wanted === speed.selectedIndex) return;
    speed.selectedIndex = wanted;
    speed.dispatchEvent(new Event("change"));
  }

  show(ms) {
    this.list?.show(ms);
    byId("clock").textContent = clock(ms);
    this.timeline.show(ms);
    markCurrent(this.ticks, ms, LEAD_MS);
    markCurrent(this.moments, ms, 0);
  }
}

// The last row at or before the playhead is the current one.
function markCurrent(rows, ms, lead) {
  let current = null;
  for (const row of rows) if (row.ms - lead <= ms + 50 && (!lead || ms <= row.ms + 4000)) current = row;
  for (const row of rows) row.item.toggleAttribute("data-now", row === current);
}

// Stretches of ten seconds or more without any event.
function idleStretches(events, first) {
  const stretches = [];
  for (let i = 1; i < events.length; i++) {
    const [from, to] = [events[i - 1].timestamp - first, events[i].timestamp - first];
    if (to - from >= 10_000) stretches.push([from, to]);
  }
  return stretches;
}
