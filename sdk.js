import { record } from "@rrweb/record";

let events = [];
let stopRecording = null;

export function initRetrospec(options) {
  const sessionId = "s-" + Date.now().toString(36) + Math.random().toString(36).slice(2, 10);
  let seq = 0;
  stopRecording = record({ emit: (event) => events.push(event), maskAllInputs: true });
  const flush = async () => {
    if (!events.length) return { sessionId, eventsObjectKey: "", ingestAccepted: true };
    const body = JSON.stringify({
      v: 2, sessionId, tabId: "t0", seq: seq++, segment: 0, site: options.site, route: location.pathname, url: location.href,
      startedAt: events[0].timestamp, sentAt: Date.now(), events: events.splice(0), markers: [],
      client: { userAgent: navigator.userAgent, sdk: SDK_VERSION },
    });
    const response = await fetch(options.apiBaseUrl + "/v2/chunks?key=" + encodeURIComponent(options.apiKey), { method: "POST", body });
    return { sessionId, eventsObjectKey: "", ingestAccepted: response.ok };
  };
  setInterval(flush, 5000);
  return { sessionId, flush, stop: () => (stopRecording(), flush()) };
}

export const retrospec = { initRetrospec };

export function startFromScriptTag(script) {
  const { key, site } = script.dataset;
  window.retrospec = { initRetrospec, ...initRetrospec({ apiBaseUrl: new URL(script.src).origin, apiKey: key, site: site || location.host }) };
}
