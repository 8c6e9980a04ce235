// What stands beside the player and moves with it: console, network, changes of the page, vitals.
import { momentOf, request } from "./moments.js";
import { Rows, make } from "./rows.js";
import { clock } from "./times.js";

const TYPES = ["DOM ready", "Page loaded", "Snapshot", "Change", "Page", "Custom", "Plugin"];
const SOURCES = ["DOM changed", "Mouse moved", "Mouse", "Scrolled", "Window resized", "Input", "Touch moved", "Media", "Styles changed", "Canvas", "Font", "Log", "Dragged", "Style changed", "Selection", "Styles adopted", "Custom element"];
const MOUSE = ["button up", "button down", "click", "context menu", "double click", "focus", "blur", "touch start", "", "touch end", "touch cancelled"];
const SORTS = { dom: "DOM changes", input: "What the person did", page: "Pages and snapshots", other: "Custom and plugins", all: "All events" };
const LEVELS = { all: "All lines", bad: "Errors", warn: "Warnings" };
const ANSWERS = { all: "All requests", bad: "Failed" };
const VITALS = "retrospec.vitals";
const COVERAGE = "retrospec.coverage";
// "Good up to, poor from", as web.dev has them since 2024
const LIMITS = { lcpMs: ["Largest paint", 2500, 4000], inpMs: ["Slowest answer", 200, 500], cls: ["Layout shift", 0.1, 0.25] };

export class Sides {
  constructor(jump) {
    this.console = new Rows(byId("console-list"), { name: "Console lines", empty: "Nothing was logged.", sorts: LEVELS, sort: "all", draw: drawLine, jump });
    this.network = new Rows(byId("network-list"), { name: "Requests", empty: "No request was recorded.", sorts: ANSWERS, sort: "all", draw: drawRequest, jump });
    this.events = new Rows(byId("events-list"), { name: "Events", empty: "No event of this kind.", sorts: SORTS, sort: "dom", draw: drawEvent, jump, read: { at: (event) => event.timestamp, sort: sortOf, text: words, bad: (event) => Boolean(momentOf(event)?.bad) } });
    this.jump = jump;
    this.lines = [...document.querySelectorAll("#console-told li")].map(toldLine);
    this.asked = [...document.querySelectorAll("#network-told li")].map(toldRequest);
    byId("console-told").hidden = byId("network-told").hidden = true;
  }

  // ``tape``: of which more has come.
  set(tape) {
    const told = tape.runs().flat();
    const moments = told.flatMap(({ moments }) => moments).sort((a, b) => a.at - b.at);
    const recorded = moments.filter((moment) => moment.sort === "console");
    const isNew = (line) => !recorded.some((other) => other.bad && Math.abs(other.at - line.at) < 1000 && line.text.includes(other.text));
    const lines = [...recorded, ...this.lines.filter(isNew)].sort((a, b) => a.at - b.at);
    this.console.set(() => lines, tape.zero);
    const seen = moments.filter((moment) => moment.sort === "request");
    const isKnown = (one) => seen.some((other) => other.bad && other.method === one.method && Math.abs(other.at - one.at) < 1000);
    const asked = this.asked.map((one) => ({ ...one, at: tape.zero + one.ms })).filter((one) => !isKnown(one));
    const requests = [...seen, ...asked].sort((a, b) => a.at - b.at);
    this.network.set(() => requests, tape.zero);
    this.events.set(() => tape.events, tape.zero);
    const notes = told.flatMap(({ notes }) => notes);
    this.sayVitals(notes, tape.zero);
    this.sayCoverage(notes);
    return { moments, notes };
  }

  follow(at) {
    for (const rows of [this.console, this.network, this.events]) rows.follow(at);
  }

  sayVitals(notes, zero) {
    const body = byId("vitals-rows");
    const measured = notes.filter((event) => event.type === 5 && event.data?.tag === VITALS);
    const pages = notes.filter((event) => event.type === 4);
    const pageOf = (at) => pages.findLast((page) => page.timestamp <= at)?.data?.href ?? "";
    body.replaceChildren(...measured.map((event) => vitalsRow(event, pageOf(event.timestamp), event.timestamp - zero, this.jump)));
    byId("vitals-none").hidden = measured.length > 0;
    body.closest("table").hidden = !measured.length;
  }

  // What the page had and no replay shows, as the page itself told.
  sayCoverage(notes) {
    const most = { unreadableStylesheets: 0, foreignFrames: 0, canvases: 0 };
    for (const event of notes) {
      if (event.type !== 5 || event.data?.tag !== COVERAGE) continue;
      for (const name of Object.keys(most)) most[name] = Math.max(most[name], Number(event.data.payload?.[name]) || 0);
    }
    const words = [
      ["unreadableStylesheets", "stylesheet of another site that scripts may not read", "stylesheets of other sites that scripts may not read"],
      ["foreignFrames", "frame of another site", "frames of other sites"],
      ["canvases", "canvas: its pixels are not recorded", "canvases: their pixels are not recorded"],
    ].flatMap(([name, one, many]) => (most[name] ? [`${most[name]} ${most[name] === 1 ? one : many}`] : []));
    const note = byId("coverage-note");
    note.textContent = `Not captured: ${words.join("; ")}.`;
    note.hidden = !words.length;
  }
}

const byId = (id) => document.getElementById(id);

function toldLine(item) {
  return { at: Number(item.dataset.at), level: item.dataset.level, text: item.querySelector(".told").textContent, bad: item.dataset.level === "error" };
}

function toldRequest(item) {
  const { at, method, url, status, failure, took } = item.dataset;
  return { ms: Number(at), ...request({ method, url, status: Number(status), failure, durationMs: took ? Number(took) : undefined }) };
}

function drawLine(row) {
  return [make("span", { className: "rows-level", textContent: row.level }), make("span", { className: "rows-text", textContent: row.text, title: row.text })];
}

function drawRequest(row, [start, end]) {
  const place = address(row.url);
  const words = make("span", { className: "rows-text", title: `${row.method} ${row.url}` });
  words.append(make("b", { textContent: row.method }), ` ${place}`);
  const result = make("span", { className: "rows-result", textContent: row.result });
  const took = make("span", { className: "rows-took", textContent: !row.tookMs ? "–" : row.tookMs >= 10_000 ? `${(row.tookMs / 1000).toFixed(1)} s` : `${Math.round(row.tookMs)} ms` });
  const bar = make("span", { className: "rows-bar-place", ariaHidden: "true" });
  const inner = make("span", { className: "rows-bar-took" });
  const whole = Math.max(1, end - start);
  inner.style.left = `${Math.min(98, ((row.at - row.tookMs - start) / whole) * 100)}%`;
  inner.style.width = `${Math.min(100, (row.tookMs / whole) * 100)}%`;
  bar.append(inner);
  return [result, words, took, bar];
}

function address(url) {
  try {
    const parsed = new URL(url, location.href);
    return parsed.pathname + parsed.search;
  } catch {
    return url;
  }
}

function drawEvent(event) {
  const text = words(event);
  return [make("span", { className: "rows-text", textContent: text, title: text })];
}

function sortOf(event) {
  if (event.type === 3) return [2, 5, 3, 7, 12, 14].includes(event.data?.source) ? "input" : [0, 8, 13, 15].includes(event.data?.source) ? "dom" : "rest";
  return event.type === 5 || event.type === 6 ? "other" : "page";
}

function words(event) {
  const data = event.data ?? {};
  const moment = momentOf(event);
  if (moment && moment.sort !== "deed") return moment.text;
  if (event.type !== 3) return [TYPES[event.type] ?? `Type ${event.type}`, event.type === 4 ? data.href : (data.tag ?? data.plugin)].filter(Boolean).join(": ");
  if (data.source === 0) return changed(data);
  const name = SOURCES[data.source] ?? `Source ${data.source}`;
  return data.source === 2 ? `${name} ${MOUSE[data.type] ?? ""}` : name;
}

// "+ div.toast “We could not take your payment”, 2 removed, class changed"
function changed({ adds = [], removes = [], attributes = [], texts = [] }) {
  const parts = adds.slice(0, 3).map(({ node }) => `+ ${nodeName(node)}`);
  if (adds.length > 3) parts.push(`${adds.length - 3} more added`);
  if (removes.length) parts.push(`${removes.length} removed`);
  for (const { value } of texts.slice(0, 2)) parts.push(`text “${short(value)}”`);
  if (texts.length > 2) parts.push(`${texts.length - 2} more texts`);
  const names = new Set(attributes.flatMap(({ attributes: set }) => Object.keys(set ?? {})));
  if (names.size) parts.push(`${[...names].slice(0, 4).join(", ")} changed${attributes.length > 1 ? ` on ${attributes.length}` : ""}`);
  return parts.join(", ") || "Nothing told";
}

function nodeName(node) {
  if (!node) return "node";
  if (node.type === 3) return `text “${short(node.textContent)}”`;
  const { id, class: classes } = node.attributes ?? {};
  const text = innerText(node);
  const name = node.tagName ?? "node";
  return `${name}${id ? `#${id}` : ""}${typeof classes === "string" && classes.trim() ? `.${classes.trim().split(/\s+/)[0]}` : ""}${text ? ` “${short(text)}”` : ""}`;
}

const innerText = (node) => (node.childNodes ?? []).map((child) => (child.type === 3 ? child.textContent : innerText(child))).join(" ").trim();
const short = (text) => (String(text ?? "").length > 60 ? `${String(text).slice(0, 57)}…` : String(text ?? ""));

function vitalsRow(event, page, ms, jump) {
  const row = make("tr");
  const place = make("button", { type: "button", className: "link", textContent: address(page) || "a page", title: `Left at ${clock(ms)}` });
  place.addEventListener("click", () => jump(ms));
  const head = make("th", { scope: "row" });
  head.append(place);
  row.append(head);
  for (const [name, [, good, poor]] of Object.entries(LIMITS)) {
    const value = Number(event.data.payload?.[name]) || 0;
    const cell = make("td", { className: "num" });
    const isMeasured = name === "cls" || value > 0;
    const grade = value <= good ? "good" : value >= poor ? "poor" : "middling";
    if (isMeasured) cell.dataset.grade = grade;
    cell.textContent = !isMeasured ? "–" : `${name === "cls" ? value.toFixed(2) : value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value} ms`}`;
    if (isMeasured) cell.append(make("small", { textContent: ` ${grade}` }));
    row.append(cell);
  }
  return row;
}
