// The list of rrweb events: what the recording is made of, by time, filtered by sort.
import { clock } from "./times.js";

const PAGE = 200;
const TYPES = ["DOM ready", "Page loaded", "Snapshot", "Change", "Page", "Custom", "Plugin"];
const SOURCES = ["DOM changed", "Mouse moved", "Mouse", "Scrolled", "Window resized", "Input", "Touch moved", "Media", "Styles changed", "Canvas", "Font", "Log", "Dragged", "Style changed", "Selection", "Styles adopted", "Custom element"];
const MOUSE = ["button up", "button down", "click", "context menu", "double click", "focus", "blur", "touch start", "", "touch end", "touch cancelled"];
const SORTS = { all: "All events", input: "What the person did", page: "Pages and snapshots", dom: "DOM changes", other: "Custom and plugins" };

function sortOf(event) {
  if (event.type === 3) return [2, 5, 3, 7, 12, 14].includes(event.data?.source) ? "input" : event.data?.source === 0 ? "dom" : "rest";
  return event.type === 5 || event.type === 6 ? "other" : "page";
}

function words(event) {
  const data = event.data ?? {};
  if (event.type !== 3) return [TYPES[event.type] ?? `Type ${event.type}`, event.type === 4 ? data.href : (data.tag ?? data.plugin)].filter(Boolean).join(": ");
  const name = SOURCES[data.source] ?? `Source ${data.source}`;
  if (data.source === 0) return `${name}: ${data.adds?.length ?? 0} added, ${data.removes?.length ?? 0} removed, ${data.attributes?.length ?? 0} attributes, ${data.texts?.length ?? 0} texts`;
  return data.source === 2 ? `${name} ${MOUSE[data.type] ?? ""}` : name;
}

export function wireEvents(root, events, jump) {
  if (!events.length) return;
  const first = events[0].timestamp;
  const label = Object.assign(document.createElement("label"), { className: "select" });
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "Which events");
  for (const [value, name] of Object.entries(SORTS)) choice.append(new Option(name, value));
  label.append(choice);
  const list = document.createElement("ol");
  list.setAttribute("aria-label", "Events");
  const more = Object.assign(document.createElement("button"), { type: "button", className: "button" });
  let wanted = [];
  let shown = 0;

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
    shown = 0;
    list.replaceChildren();
    showMore();
    if (!wanted.length) list.append(Object.assign(document.createElement("li"), { textContent: root.dataset.empty }));
  }

  more.addEventListener("click", showMore);
  choice.addEventListener("change", show);
  root.append(label, list, more);
  show();
}
