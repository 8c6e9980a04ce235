// A page's clicks in vain over its own snapshot: replayed up to the moment of one of them, as long as the page is, without scripts.
import { Stage, pageLoaded } from "./stage.js";
import { Tape } from "./tape.js";

const NS = "http://www.w3.org/2000/svg";
const RADIUS = 22; // of a click's mark, in the page's own pixels
const MOST_PX = 20_000;
const root = document.getElementById("heat");
const note = document.getElementById("heat-note");
const say = (text) => (note.textContent = text);

if (root) show().catch((error) => say(error.message || "The page can't be shown."));

async function show() {
  say("Loading the page…");
  const at = Number(root.dataset.at);
  const { Replayer } = await import("./player.js");
  const [tape] = await Promise.all([loaded(at), pageLoaded()]);
  const time = tape.zero + at;
  const events = tape.eventsOf(...tape.runAround(tape.baseOf(time)));
  if (!events.some((event) => event.type === 2)) return say("Its recording holds no picture of this page.");
  const frame = document.createElement("div");
  frame.className = "heat-page";
  root.append(frame);
  const stage = new Stage(frame, Replayer, () => {});
  stage.fit = (size) => (stage.size = size ?? stage.size);
  stage.mount(events, tape.zero);
  stage.replayer.iframe.title = "The page as it was recorded";
  stage.replayer.on("fullsnapshot-rebuilded", () => setTimeout(() => draw(stage, frame), 60));
  stage.pause(at);
}

// As much of the recording as that moment needs.
function loaded(at) {
  return new Promise((done, fail) => {
    const enough = () => tape.pieces.length && tape.pieces.some((piece) => piece.events.length) && tape.reaches(tape.zero + at);
    const tape = new Tape(root.dataset.stream, {
      head() {},
      looks() {},
      failed: fail,
      whole: () => done(tape),
      events() {
        if (!enough()) return;
        tape.stop.abort();
        tape.turn++;
        done(tape);
      },
    });
    tape.fill(0, at);
  });
}

function draw(stage, frame) {
  const page = stage.replayer.iframe.contentDocument;
  const width = stage.size?.width ?? stage.replayer.iframe.offsetWidth;
  const height = Math.min(MOST_PX, Math.max(page.documentElement?.scrollHeight ?? 0, page.body?.scrollHeight ?? 0, 200));
  stage.replayer.iframe.style.height = `${height}px`;
  page.defaultView?.scrollTo(0, 0);
  frame.querySelector("svg")?.remove();
  frame.append(marks(width, height));
  const fit = () => {
    const scale = Math.min(1, root.clientWidth / width);
    frame.style.cssText = `width: ${width}px; height: ${height}px; transform: scale(${scale})`;
    root.style.height = `${height * scale}px`;
  };
  new ResizeObserver(fit).observe(root.parentElement);
  fit();
  note.remove();
  root.dataset.ready = "yes";
}

function marks(width, height) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const [x, y, wide, sort] of JSON.parse(root.dataset.spots)) {
    const mark = document.createElementNS(NS, "circle");
    mark.setAttribute("cx", String((x / wide) * width));
    mark.setAttribute("cy", String(y));
    mark.setAttribute("r", String(RADIUS));
    mark.dataset.sort = sort;
    svg.append(mark);
  }
  return svg;
}
