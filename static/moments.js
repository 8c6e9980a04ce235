// What a recording tells beside the picture: deeds, requests, console lines and pages, each with its time and words.

const DEEDS = { 2: "Clicked", 3: "Opened the context menu", 4: "Double-clicked", 7: "Touched" };
const TYPING_PAUSE_MS = 1000;
const MOST = 5000; // of a piece
export const CONSOLE = /^rrweb\/console@/;
export const NETWORK = /^rrweb\/network@/;
export const REQUEST = "retrospec.request";
const NAVIGATION = "retrospec.navigation";
const MARKER = "retrospec.marker";
const told = new WeakMap(); // an event says the same however often it is read: lists know their rows by it

// What the lists need of a piece of the recording, read once as its events come. Moments are {at, sort, text, bad, …}, at in
// epoch ms; sort is "deed", "request", "console" or "page".
export class Told {
  constructor() {
    Object.assign(this, { moments: [], doings: [], notes: [], typing: { id: null, until: -1 }, first: Infinity, last: 0 });
  }

  read(events) {
    for (const event of events) {
      this.first = Math.min(this.first, event.timestamp);
      this.last = Math.max(this.last, event.timestamp);
      if (event.type === 3 && event.data?.source > 0 && event.data.source <= 5) this.doings.push(event.timestamp);
      if (event.type === 4 || event.type === 5) this.notes.push(event);
      if (this.moments.length >= MOST || this.isTyping(event)) continue;
      const moment = momentOf(event);
      if (moment) this.moments.push(moment);
    }
  }

  // Keys in one field, one soon after the other, are one moment.
  isTyping({ type, data, timestamp }) {
    if (type !== 3 || data?.source !== 5) return false;
    if (this.typing.id !== data.id || timestamp > this.typing.until) this.moments.push({ at: timestamp, sort: "deed", text: "Typed", bad: false });
    this.typing = { id: data.id, until: timestamp + TYPING_PAUSE_MS };
    return true;
  }
}

export const momentOf = (event) => once(event, () => tell(event, event.data ?? {}));

function once(event, say) {
  if (!told.has(event)) {
    const words = say();
    told.set(event, words && { at: event.timestamp, ...words });
  }
  return told.get(event);
}

function tell(event, data) {
  if (event.type === 3) return data.source === 2 && data.type in DEEDS ? { sort: "deed", text: DEEDS[data.type], bad: false } : null;
  if (event.type === 4) return { sort: "page", text: `Page: ${data.href ?? ""}`, bad: false };
  if (event.type === 6 && CONSOLE.test(data.plugin)) return consoleLine(data.payload ?? {});
  if (event.type === 6 && NETWORK.test(data.plugin) && data.payload?.requests?.[0]) return request(fromPlugin(data.payload.requests[0]));
  if (event.type !== 5) return null;
  const payload = data.payload ?? {};
  if (data.tag === REQUEST) return request(payload);
  if (data.tag === MARKER && payload.kind === "js_exception") return { sort: "console", level: "error", text: String(payload.label ?? "Script error"), bad: true };
  return data.tag === NAVIGATION ? { sort: "page", text: `Went to ${payload.route ?? payload.href ?? ""}`, bad: false } : null;
}

const fromPlugin = ({ method, name, url, status, responseStatus, duration }) => ({ method, url: url ?? name, status: status ?? responseStatus, durationMs: duration });

export function request({ method, url, status, durationMs, failure }) {
  const took = Number.isFinite(durationMs) ? `, ${Math.round(durationMs)} ms` : "";
  const result = String(status || failure || "no answer");
  const bad = Boolean(failure) || !status || status >= 400;
  const facts = { method: method ?? "GET", url: String(url ?? ""), result, tookMs: Number.isFinite(durationMs) ? Math.max(0, durationMs) : 0 };
  return { sort: "request", text: `${facts.method} ${facts.url} → ${result}${took}`, bad, ...facts };
}

function consoleLine({ level, payload }) {
  const text = (Array.isArray(payload) ? payload : []).map((part) => String(part).replace(/^"|"$/g, "")).join(" ");
  return { sort: "console", level: level ?? "log", text: text.slice(0, 2000), bad: level === "error" || level === "assert" };
}

// Stretches of ten seconds or more in which the person did nothing: what "Skip idle" skips. Of one run of loaded pieces.
export function idleStretches(run) {
  const times = [Math.min(...run.map((told) => told.first)), ...run.flatMap((told) => told.doings).sort((a, b) => a - b), Math.max(...run.map((told) => told.last))];
  const stretches = [];
  for (let n = 1; n < times.length; n++) if (times[n] - times[n - 1] >= 10_000) stretches.push([times[n - 1], times[n]]);
  return stretches;
}
