// Live parts ask for their successor when the project's stream says that something changed; while there is no stream,
// every few seconds. The server answers 204 when a part is as it was. Pages may listen for "retrospec:session".
const LONGEST_WAIT_S = 120;
const WITH_STREAM = 6;
const GATHER_MS = 300;
const waits = new Map();
let source = null;
let number = Number(document.body.dataset.feedNumber ?? 0); // as the page was drawn

function isBusy(part) {
  const held = document.activeElement;
  return part.contains(held) && held.matches("select, textarea, input:not(.pick)");
}

function refreshDue() {
  for (const part of document.querySelectorAll("[data-live]")) {
    const pause = part.dataset.live * (source?.readyState === EventSource.OPEN ? WITH_STREAM : 1);
    const wait = waits.get(part.id) ?? { due: Date.now() + pause * 1000, failures: 0 };
    waits.set(part.id, wait);
    const isPicking = part.querySelector(".pick:checked") !== null;
    if (document.hidden || isBusy(part) || isPicking || Date.now() < wait.due) continue;
    wait.due = Date.now() + Math.min(pause * 2 ** wait.failures, LONGEST_WAIT_S) * 1000;
    part.dataset.keptAsking = "yes";
    part.dispatchEvent(new CustomEvent("refresh"));
  }
}

function allDue() {
  for (const wait of waits.values()) wait.due = 0;
}

function noteAnswer(event, isFailure) {
  delete event.target.dataset?.keptAsking;
  const wait = waits.get(event.target.id);
  if (wait) wait.failures = isFailure ? wait.failures + 1 : 0;
}

function listen() {
  const { feed, feedSession } = document.body.dataset;
  if (!feed || source || !window.EventSource || !document.querySelector("[data-live], [data-feed-session]")) return;
  const watched = feedSession ?? document.querySelector("[data-feed-session]")?.dataset.feedSession;
  source = new EventSource(watched ? `${feed}?session=${encodeURIComponent(watched)}` : feed);
  source.addEventListener("changed", (event) => {
    const told = JSON.parse(event.data).number;
    if (told !== number) setTimeout(allDue, GATHER_MS);
    number = told;
  });
  source.addEventListener("session", (event) =>
    document.dispatchEvent(new CustomEvent("retrospec:session", { detail: JSON.parse(event.data) })),
  );
}

// A browser opens six connections to a host: pages that nobody sees let theirs go.
function rest() {
  source?.close();
  source = null;
}

setInterval(refreshDue, 250);
document.addEventListener("htmx:afterRequest", (event) => noteAnswer(event, !event.detail.successful));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return rest();
  listen();
  allDue();
  refreshDue();
});
addEventListener("pagehide", rest);
addEventListener("pageshow", (event) => event.persisted && listen());
if (!document.hidden) listen();
