// What a recording tells beside the picture: deeds, requests, console lines and pages, each with its time and words.

const DEEDS = { 2: "Clicked", 3: "Opened the context menu", 4: "Double-clicked", 7: "Touched" };
const TYPING_PAUSE_MS = 1000;
const MOST = 5000;
export const CONSOLE = /^rrweb\/console@/;
export const REQUEST = "retrospec.request";
const NAVIGATION = "retrospec.navigation";

// {ms, sort, text, bad}, by time; sort is "deed", "request", "console" or "page".
export function momentsOf(events, first) {
  const moments = [];
  let typing = { id: null, until: -1 };
  for (const event of events) {
    if (moments.length >= MOST) break;
    const ms = event.timestamp - first;
    const data = event.data ?? {};
    if (event.type === 3 && data.source === 5) {
      if (typing.id !== data.id || ms > typing.until) moments.push({ ms, sort: "deed", text: "Typed", bad: false });
      typing = { id: data.id, until: ms + TYPING_PAUSE_MS };
      continue;
    }
    const told = tell(event, data);
    if (told) moments.push({ ms, ...told });
  }
  return moments;
}

export function tell(event, data) {
  if (event.type === 3) return data.source === 2 && data.type in DEEDS ? { sort: "deed", text: DEEDS[data.type], bad: false } : null;
  if (event.type === 4) return { sort: "page", text: `Page: ${data.href ?? ""}`, bad: false };
  if (event.type === 6 && CONSOLE.test(data.plugin)) return consoleLine(data.payload ?? {});
  if (event.type !== 5) return null;
  if (data.tag === REQUEST) return request(data.payload ?? {});
  return data.tag === NAVIGATION ? { sort: "page", text: `Went to ${data.payload?.route ?? data.payload?.href ?? ""}`, bad: false } : null;
}

function request({ method, url, status, durationMs, failure }) {
  const took = Number.isFinite(durationMs) ? `, ${Math.round(durationMs)} ms` : "";
  return { sort: "request", text: `${method ?? "GET"} ${url ?? ""} → ${status || failure || "no answer"}${took}`, bad: Boolean(failure) || !status || status >= 400 };
}

function consoleLine({ level, payload }) {
  const text = (Array.isArray(payload) ? payload : []).map((part) => String(part).replace(/^"|"$/g, "")).join(" ");
  return { sort: "console", text: `${level ?? "log"}: ${text}`.slice(0, 500), bad: level === "error" || level === "assert" };
}
