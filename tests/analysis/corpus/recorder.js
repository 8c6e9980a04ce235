/* Records a page with rrweb and marks, naively, what an SDK would mark. Every event leaves at once through `keep`. */
(() => {
  if (window !== window.top || location.href === "about:blank") return;
  const keep = (kind, value) => window.keep(JSON.stringify({ kind, value }));
  const { record } = window.rrwebRecord;
  const mark = (kind, label, evidence) => keep("marker", { kind, label: String(label).slice(0, 200), at: Date.now(), evidence });
  const note = (tag, payload) => {
    try {
      record.addCustomEvent(tag, payload);
    } catch {
      /* before the recording has begun */
    }
  };
  record({ emit: (event) => keep("event", event), maskAllInputs: true, sampling: { mousemove: 200, scroll: 200 } });

  const control = (element) => ({ nodeId: record.mirror.getId(element), tag: element.localName, text: (element.textContent || "").trim().slice(0, 60) });

  addEventListener("error", (event) => {
    if (!event.message) return;
    const error = event.error || {};
    mark("js_exception", event.message, { signal: "exception", type: error.name || "", message: error.message || event.message, stack: error.stack || "", filename: event.filename, lineno: event.lineno, colno: event.colno });
  });
  addEventListener("unhandledrejection", (event) => {
    const error = event.reason || {};
    mark("js_exception", `Unhandled rejection: ${error.message || error}`, { signal: "unhandled_rejection", type: error.name || "", message: String(error.message || error), stack: error.stack || "" });
  });
  const logError = console.error;
  console.error = (...parts) => {
    mark("js_exception", parts.join(" "), { signal: "console_error", message: parts.join(" "), handled: true });
    return logError.apply(console, parts);
  };

  const plainFetch = window.fetch;
  window.fetch = async (input, init = {}) => {
    const from = performance.now();
    const evidence = { method: (init.method || "GET").toUpperCase(), url: new URL(input, location.href).pathname };
    const finish = (outcome) => {
      Object.assign(evidence, outcome, { durationMs: Math.round(performance.now() - from) });
      note("retrospec.request", evidence);
      const signal = evidence.failure ? "network_error" : "http_error";
      if (evidence.failure || evidence.status >= 400) mark("api_error", `${evidence.method} ${evidence.url} ${evidence.failure || evidence.status}`, { signal, ...evidence });
    };
    try {
      const response = await plainFetch(input, init);
      finish({ status: response.status });
      return response;
    } catch (error) {
      finish({ status: 0, failure: "network" });
      throw error;
    }
  };

  for (const name of ["pushState", "replaceState"]) {
    const plain = history[name];
    history[name] = function (...parts) {
      const result = plain.apply(this, parts);
      note("retrospec.navigation", { href: location.href, trigger: name });
      return result;
    };
  }
  const plainOpen = window.open;
  window.open = function (...parts) {
    note("retrospec.outside", { what: "window" });
    return plainOpen.apply(this, parts);
  };
  addEventListener("popstate", () => note("retrospec.navigation", { href: location.href, trigger: "popstate" }));

  addEventListener("invalid", (event) => {
    const field = event.target;
    const rule = ["valueMissing", "typeMismatch", "patternMismatch", "tooShort", "customError"].find((name) => field.validity[name]) || "";
    mark("validation_failed", `${field.name || field.id}: ${rule}`, { signal: "validation_refused", rule, validationMessage: field.validationMessage, control: { ...control(field), name: field.name, role: "textbox" } });
  }, true);

  /* Naive on purpose: three clicks are rage, and a click that changes nothing within a second is dead. Analysis has to tell. */
  let streak = [];
  let changedAt = 0;
  new MutationObserver(() => (changedAt = performance.now())).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  addEventListener("click", (event) => {
    const at = performance.now();
    streak = streak.filter((click) => click.target === event.target && at - click.at < 1200);
    streak.push({ at, target: event.target });
    const found = event.target.closest("button,a,[role=button],[role=menuitem]") || event.target;
    if (streak.length === 3) mark("ui_no_effect", `Rage click on ${found.localName}`, { signal: "rage_click", control: control(found), count: 3 });
    if (event.target.closest("button,a,[role=button]")) {
      setTimeout(() => changedAt < at && mark("ui_no_effect", `Dead click on ${found.localName}`, { signal: "dead_click", control: control(found) }), 1000);
    }
  }, true);
})();
