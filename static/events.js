// The list of rrweb events: what the recording is made of, by time, filtered by sort.
import { CONSOLE, REQUEST, tell } from "./moments.js";
import { clock } from "./times.js";

const PAGE = 200;
const LEAP = 1000; // further on than this the list starts anew around the playhead
const TYPES = ["DOM ready", "Page loaded", "Snapshot", "Change", "Page", "Custom", "Plugin"];
const SOURCES = ["DOM changed", "Mouse moved", "Mouse", "Scrolled", "Window resized", "Input", "Touch moved", "Media", "Styles changed", "Canvas", "Font", "Log", "Dragged", "Style changed", "Selection", "Styles adopted", "Custom element"];
const MOUSE = ["button up", "button down", "click", "context menu", "double click", "focus", "blur", "touch start", "", "touch end", "touch cancelled"];
const SORTS = { all: "All events", input: "What the person did", network: "Network", console: "Console", page: "Pages and snapshots", dom: "DOM changes", other: "Custom and plugins" };

function sortOf(event) {
  if (event.type === 3) return [2, 5, 3, 7, 12, 14].includes(event.data?.source) ? "input" : event.data?.source === 0 ? "dom" : "rest";
  if (event.type === 5 && event.data?.tag === REQUEST) return "network";
  if (event.type === 6 && CONSOLE.test(event.data?.plugin)) return "console";
  return event.type === 5 || event.type === 6 ? "other" : "page";
}

function words(event) {
  const data = event.data ?? {};
  if (["network", "console"].includes(sortOf(event))) return tell(event, data).text;
  if (event.type !== 3) return [TYPES[event.type] ?? `Type ${event.type}`, event.type === 4 ? data.href : (data.tag ?? data.plugin)].filter(Boolean).join(": ");
  const name = SOURCES[data.source] ?? `Source ${data.source}`;
  if (data.source === 0) return `${name}: ${data.adds?.length ?? 0} added, ${data.removes?.length ?? 0} removed, ${data.attributes?.length ?? 0} attributes, ${data.texts?.length ?? 0} texts`;
  return data.source === 2 ? `${name} ${MOUSE[data.type] ?? ""}` : name;
}

export function wireEvents(root, events, jump) {
  if (!events.length) return null;
  const first = events[0].timestamp;
  const label = Object.assign(document.createElement("label"), { className: "select" });
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "Which events");
  for (const [value, name] of Object.entries(SORTS)) choice.append(new Option(name, value));
  label.append(choice);
  const list = document.createElement("ol");
  list.setAttribute("aria-label", "Events");
  const more = Object.assign(document.createElement("button"), { type: "button", className: "button" });
  const earlier = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Show earlier ones", hidden: true });
  let wanted = [];
  let from = 0; // the rows from here to ``shown`` are in the list
  let shown = 0;
  let current = null;
  let lastMs = 0;

  function row(event) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const offset = event.timestamp - first;
    const [time, text] = [document.createElement("span"), document.createElement("span")];
    time.textContent = `${clock(offset)}.${String(offset % 1000).padStart(3, "0").slice(0, 1)}`;
    text.textContent = words(event);
    button.append(time, text);
    button.addEventListener("click", () => jump(offset, 0));
    item.append(button);
    if (["network", "console"].includes(sortOf(event)) && tell(event, event.data ?? {}).bad) item.dataset.bad = "";
    return item;
  }

  function showMore() {
    list.append(...wanted.slice(shown, shown + PAGE).map(row));
    shown = Math.min(shown + PAGE, wanted.length);
    more.hidden = shown >= wanted.length;
    more.textContent = `Show more (${(wanted.length - shown).toLocaleString("en")} left)`;
  }

  function show() {
    wanted = choice.value === "all" ? events : events.filter((event) => sortOf(event) === choice.value);
    startAt(0);
    follow(lastMs);
    if (!wanted.length) list.append(Object.assign(document.createElement("li"), { textContent: root.dataset.empty }));
  }

  function startAt(index) {
    from = shown = index;
    current = null;
    list.replaceChildren();
    earlier.hidden = from === 0;
    showMore();
  }

  // The last event at or before the playhead is the current one; it is kept in view within the list.
  function follow(ms) {
    lastMs = ms;
    if (!list.offsetParent) return;
    const at = lastBefore(wanted, first + ms);
    if (at >= shown + LEAP || (at >= 0 && at < from)) startAt(Math.max(0, at - PAGE / 2));
    while (at >= shown && shown < wanted.length) showMore();
    const item = at < from || !wanted.length ? null : list.children[at - from];
    if (item === current) return;
    current?.removeAttribute("data-now");
    item?.setAttribute("data-now", "");
    current = item;
    if (item) list.scrollTop = Math.max(0, item.offsetTop - list.clientHeight / 2);
  }

  more.addEventListener("click", showMore);
  earlier.addEventListener("click", () => startAt(Math.max(0, from - PAGE)));
  choice.addEventListener("change", show);
  root.append(label, earlier, list, more);
  show();
  return { show: follow };
}

function lastBefore(events, moment) {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].timestamp <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
