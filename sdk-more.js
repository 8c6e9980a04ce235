/**
 * The second part of sdk.js, fetched once the page has settled: what no failure has to wait for. Read sdk.js first.
 *
 *   names of elements · clicks · forms · pages · web vitals · what did not load · the spool of earlier pages · the asset vault
 *
 * ``install`` hears everything the first part kept from the page's start, in order, then each thing as it happens. An entry is
 * ``{type, at, …}``: a DOM event (``event``, ``target``), ``mutations`` (``records``), or what the first part tells (``network``, ``route``, …).
 */

export const BUILD = SDK_BUILD;

let cut, later, localStore, matchesAny, now, oneLine, ownFetch, page, parseUrl, safely, tabStore, templatePath, whenIdle, wrapMethod;

/** Begins to hear. ``kit`` holds the first part's small tools. Returns ``{hear(entry), stop()}``. */
export function install(client, kit) {
  ({ cut, later, localStore, matchesAny, now, oneLine, ownFetch, page, parseUrl, safely, tabStore, templatePath, whenIdle, wrapMethod } = kit);
  client.namer = makeNamer(client.privacy, client.nodeId);
  client.debugIds = (stack) => debugIdsIn(stack, client.privacy);
  const ears = [watchClicks(client), watchPages(client), watchVitals(client), watchLoads(client), watchVault(client)];
  if (client.settings.detectFormValidation) ears.push(watchForms(client));
  client.adopt = makeAdoption(client);
  const hearing = new Map(); // type → who hears it
  for (const ear of ears) for (const type of Object.keys(ear)) hearing.set(type, [...(hearing.get(type) || []), safely(ear[type])]);
  return {
    hear(entry) {
      for (const run of hearing.get(entry.type) || []) run(entry);
    },
    stop: () => ears.forEach((ear) => ear.stop && ear.stop()),
  };
}

/**
 * Address → debug id of the files that ``stack`` names, from what bundlers' plugins leave in the page: a stack raised while each
 * file was loading → its id. Null where the page has none.
 */
function debugIdsIn(stack, privacy) {
  const told = { ...page._sentryDebugIds, ...page._debugIds };
  const found = {};
  for (const [raised, id] of Object.entries(told).slice(0, 500)) {
    const innermost = raised.match(/\w+:\/\/[^\s()]+?(?=:\d+:\d+)/);
    const file = innermost && privacy.scrub(innermost[0]);
    if (file && stack.includes(file + ":")) found[file] = String(id);
  }
  return Object.keys(found).length ? found : null;
}

/* --------------------------------------------------------- naming elements */

const BUTTON_TYPES = /^(submit|button|reset|image)$/;
const IMPLIED_ROLES = { a: "link", button: "button", select: "combobox", textarea: "textbox", summary: "button", form: "form", img: "img" };
const INTERACTIVE =
  "a[href],button,summary,label,select,textarea,input,[role=button],[role=link],[role=tab],[role=menuitem],[role=option],[role=switch],[role=checkbox],[role=radio],[onclick]";

function makeNamer(privacy, nodeId) {
  const attribute = (element, name) => (element.getAttribute && element.getAttribute(name)) || "";
  const textOf = (element) =>
    !element || privacy.hidesText(element) || element.isContentEditable ? "" : oneLine(cut(element.textContent || "", 400), 80);

  function labelOf(element) {
    const labels = element.labels;
    return labels && labels.length ? textOf(labels[0]) : "";
  }

  function roleOf(element) {
    const explicit = attribute(element, "role");
    if (explicit) return explicit;
    if (element.localName !== "input") return IMPLIED_ROLES[element.localName] || "";
    if (BUTTON_TYPES.test(element.type)) return "button";
    return /^(checkbox|radio)$/.test(element.type) ? element.type : "textbox";
  }

  /** The accessible name, near enough: what a person would call it. Never what was typed into it. */
  function nameOf(element) {
    const pointed = attribute(element, "aria-labelledby").split(" ")[0];
    const isButton = element.localName === "input" && BUTTON_TYPES.test(element.type);
    const holdsText = !/^(input|select|textarea|form|body|html|table|ul|ol|main|section)$/.test(element.localName);
    const name =
      attribute(element, "aria-label") ||
      (pointed && textOf(document.getElementById(pointed))) ||
      labelOf(element) ||
      (isButton && element.value) ||
      (holdsText && textOf(element)) ||
      attribute(element, "alt") ||
      attribute(element, "title") ||
      attribute(element, "placeholder") ||
      attribute(element, "name");
    return privacy.hidesText(element) ? "" : privacy.scrub(oneLine(name || "", 80));
  }

  /** The nearest form, dialog or landmark with a name, else the heading above. */
  function landmarkOf(element) {
    const around = element.closest("form,dialog,section,nav,main,aside,header,footer,[role=dialog],[role=region],fieldset");
    if (!around) return "";
    const heading = around.querySelector("h1,h2,h3,legend");
    const name = attribute(around, "aria-label") || textOf(heading) || attribute(around, "id") || attribute(around, "name");
    return oneLine(`${privacy.scrub(name)} ${around.localName}`, 80);
  }

  const stable = (word) => word && !/\d{3}|[^\w-]/.test(word) && word.length < 40;

  function step(element) {
    if (stable(element.id)) return "#" + element.id;
    const names = Array.from(element.classList || []).filter((name) => stable(name) && !/\d/.test(name));
    const twins = element.parentElement ? Array.from(element.parentElement.children).filter((one) => one.localName === element.localName) : [];
    const place = twins.length > 1 ? `:nth-of-type(${twins.indexOf(element) + 1})` : "";
    return element.localName + names.slice(0, 2).map((name) => "." + name).join("") + place;
  }

  function selectorOf(element) {
    const steps = [];
    for (let at = element; at && at.localName !== "html" && steps.length < 5; at = at.parentElement) {
      steps.unshift(step(at));
      if (steps[0][0] === "#") break;
    }
    return cut(steps.join(">"), 200);
  }

  const testIdOf = (element) => {
    const holder = element.closest("[data-testid],[data-test-id],[data-test],[data-cy]");
    const { testid, testId, test, cy } = holder ? holder.dataset : {};
    return testid || testId || test || cy || "";
  };

  /** ``element`` as the marker contract's Control; empty parts are left out. */
  function control(element) {
    const isLink = element.localName === "a" && element.href;
    const parts = {
      nodeId: nodeId(element),
      tag: element.localName,
      role: roleOf(element),
      name: nameOf(element),
      text: /^(input|select|textarea|form)$/.test(element.localName) ? "" : textOf(element),
      label: labelOf(element),
      testId: testIdOf(element),
      landmark: landmarkOf(element),
      selector: selectorOf(element),
      inputType: element.localName === "input" ? element.type : "",
      href: isLink ? privacy.scrub(String(element.href), 300) : "",
    };
    return Object.fromEntries(Object.entries(parts).filter(([, value]) => value));
  }

  /** ``button “Pay now”`` */
  const phrase = (element) => {
    const name = nameOf(element) || testIdOf(element) || selectorOf(element);
    return `${roleOf(element) || element.localName} “${oneLine(name, 60)}”`;
  };

  return { control, phrase, nameOf };
}

/* --------------------------------------------------------- signals: clicks */

const NATIVE_EFFECT =
  "select,textarea,label,video,audio,iframe,canvas,object,embed,summary,[contenteditable],[popovertarget],[commandfor],[aria-haspopup],a[download],a[target=_blank],a[href^='mailto:'],a[href^='tel:'],input:not([type=submit],[type=button],[type=image],[type=reset])";
const SILENT_BY_NATURE = /cop(y|i)|print|download|share|export|play|pause|mute/i;
const BACKGROUND_MS = 5_000; // what a place did so long before a click, it also does without one
const SCRIPTS_TOLD = 20;
const WEAK_EFFECTS = /^(network|focusin)$/; // they spare a click from being dead, but do not calm a rage

/**
 * Clicks that did nothing, and clicks repeated in anger. What counts as an answer is anything the page did that it was
 * not already doing before: parts of the page that change by themselves (clocks, carousels) say nothing.
 */
function watchClicks(client) {
  const { settings, namer, mark, breadcrumbs, privacy } = client;
  let recent = []; // batches of changes before the click
  let churn = new Map(); // node → when it last changed before the click
  let streak = [];
  let last = null;

  function noteEffect({ type }) {
    if (!last) return;
    last.effects += 1;
    if (!WEAK_EFFECTS.test(type)) for (const click of streak) click.answered = true;
  }

  function onMutations(entry) {
    const { records, at } = entry;
    if (last && at - last.at < settings.deadClickMs) {
      // What a click set in motion is not background.
      if (!last.effects || streak.some((click) => !click.answered)) if (!records || records.some(isAnswer)) noteEffect(entry);
    } else if (records) {
      recent.push(entry);
      if (recent.length > 50 || recent[0].at < at - BACKGROUND_MS) recent.shift();
    }
  }

  function isAnswer(change) {
    const before = churn.get(change.target);
    if (before && last.at - before < BACKGROUND_MS) return false;
    if (change.type !== "childList" || !last.element.contains(change.target)) return true;
    const nodes = [...change.addedNodes, ...change.removedNodes];
    return nodes.some((node) => node.textContent.trim()); // a ripple inside the button is not an answer
  }

  /** The control a person meant, else what was hit when it looks clickable. */
  function meant(target) {
    const found = target.closest(INTERACTIVE);
    if (found) return found;
    return getComputedStyle(target).cursor === "pointer" ? target : null;
  }

  function onClick(click) {
    const { event, target, at } = click;
    if (!event.isTrusted || !(target instanceof Element) || privacy.ignores(target)) return;
    const control = meant(target);
    for (const batch of recent) for (const change of batch.records) churn.set(change.target, batch.at);
    recent = [];
    for (const [node, changedAt] of churn) if (at - changedAt > BACKGROUND_MS) churn.delete(node);
    const element = control || target;
    // named as it was when it was pressed: what it says may be another thing by the time the answer is there
    last = Object.assign(click, { element, control: namer.control(element), x: event.clientX, y: event.clientY, effects: 0, answered: false });
    breadcrumbs.add("click", namer.phrase(last.element), null, at);
    if (settings.detectRageClicks) countStreak(last);
    if (settings.detectDeadClicks && control && canBeDead(control, event)) later(() => judgeDead(click), at + settings.deadClickMs - now());
  }

  function countStreak(click) {
    const near = (other) => other.element === click.element || Math.hypot(other.x - click.x, other.y - click.y) < 30;
    streak = streak.filter((other) => click.at - other.at < settings.rageClickWindowMs && near(other));
    streak.push(click);
    if (streak.length === settings.rageClickThreshold) {
      const clicks = streak;
      later(() => judgeRage(clicks, click), click.at + 600 - now());
    }
  }

  function judgeRage(clicks, click) {
    const selecting = String(getSelection() || "").trim();
    const restful = clicks.some((one) => one.answered) || selecting || click.target.closest("video,audio,canvas,input[type=number],input[type=range]");
    if (restful || !client.seesPage()) return;
    const count = Math.max(clicks.length, streak.length);
    mark("rage_click", `Rage click on ${namer.phrase(click.element)}`, { control: click.control, count, extra: listeners() }, click.at);
    for (const one of clicks) one.judged = true;
  }

  /** The site's own scripts in this page: one of them should have listened. */
  function listeners() {
    const own = Array.from(document.scripts, (script) => script.src).filter((src) => src && new URL(src).host === location.host && !/\/sdk\.m?js\b/.test(src));
    return { scripts: [...new Set(own)].slice(0, SCRIPTS_TOLD).map((src) => privacy.scrub(src, 500)) };
  }

  function canBeDead(control, event) {
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.button;
    if (modified || control.closest(NATIVE_EFFECT) || control.disabled || document.querySelector("canvas")) return false;
    return !SILENT_BY_NATURE.test(namer.nameOf(control) + control.className);
  }

  function judgeDead(click) {
    const gone = !click.element.isConnected || document.hidden || !document.hasFocus();
    if (click.effects || click.judged || click.dead || gone || !client.seesPage()) return;
    if (last !== click && last.element === click.element) return; // the last of several speaks for all
    click.dead = true;
    const signal = click.error ? "error_click" : "dead_click";
    const words = click.error ? "Click that raised an error on" : "Dead click on";
    mark(signal, `${words} ${namer.phrase(click.element)}`, { control: click.control, extra: listeners() }, click.at);
  }

  const stops = watchOutside((what, at) => {
    if (!last || at - last.at > settings.deadClickMs) return;
    noteEffect({ type: "outside" });
    client.note("retrospec.outside", { what });
  });
  const ear = { stop: () => stops.forEach((stop) => stop()), click: onClick, mutations: onMutations, focusin: (entry) => last && !last.element.contains(entry.target) && noteEffect(entry) };
  const effects = "scroll toggle play pause copy change submit fullscreenchange selectionchange blur hashchange popstate leave beforeunload network input route";
  for (const type of effects.split(" ")) ear[type] = noteEffect;
  return ear;
}

/**
 * Tells ``opened(what, at)`` when the page's own code opens something that no recording shows. ``at`` is when the call began: a
 * printer's dialog holds it for as long as it is open.
 */
function watchOutside(opened) {
  const tell = safely((what, at) => what && opened(what, at));
  const stops = [];

  /** ``whatOf(self, args, result)`` names it; nothing where the call opened nothing. */
  function watch(owner, name, whatOf) {
    if (!owner || typeof owner[name] !== "function") return;
    const named = safely(whatOf);
    const apply = (target, self, args) => {
      const at = now();
      const result = Reflect.apply(target, self, args);
      tell(named(self, args, result), at);
      return result;
    };
    stops.push(wrapMethod(owner, name, apply));
  }

  const prototypeOf = (name) => page[name] && page[name].prototype;
  const clicked = (element) => {
    if (element.localName === "a" && element.href) return element.hasAttribute("download") ? "download" : element.target === "_blank" && "window";
    return element.type === "file" && "file";
  };
  watch(page, "open", (self, args, opened) => (opened || /noopener|noreferrer/.test(args[2])) && "window"); // null: a blocked popup
  watch(page, "print", () => "print");
  for (const name of ["write", "writeText"]) watch(prototypeOf("Clipboard"), name, () => "clipboard");
  watch(prototypeOf("Navigator"), "share", () => "share");
  watch(prototypeOf("HTMLElement"), "click", clicked);
  watch(prototypeOf("HTMLInputElement"), "showPicker", (input) => (input.type === "file" ? "file" : "picker"));
  return stops;
}

/* ---------------------------------------------------------- signals: forms */

const VALIDITY_RULES =
  "valueMissing typeMismatch patternMismatch tooLong tooShort rangeUnderflow rangeOverflow stepMismatch badInput customError".split(" ");

function watchForms(client) {
  const { namer, mark, breadcrumbs, privacy } = client;
  let refused = [];
  let triedAt = 0;
  const unfinished = new Map();

  const formName = (form) => (form ? oneLine(form.getAttribute("aria-label") || form.getAttribute("name") || form.id || namer.nameOf(form) || "form", 80) : "");

  /** Pages also ask ``checkValidity`` while one types: only what follows an attempt to submit is a refusal. */
  function noteAttempt({ type, event, target, at }) {
    const button = target.closest && target.closest("button,input[type=submit],input[type=image]");
    const submits = type === "click" ? button : event.key === "Enter" && target.form;
    if (event.isTrusted && submits) triedAt = at;
  }

  function onInvalid({ target, at }) {
    if (at - triedAt > 1_000 || privacy.ignores(target)) return;
    if (!refused.length) later(() => report(at), 0);
    refused.push(target);
  }

  function report(at) {
    const fields = refused;
    refused = [];
    const rule = VALIDITY_RULES.find((name) => fields[0].validity[name]) || "customError";
    markRefusal(fields[0], rule, fields[0].validationMessage, fields.length, at);
  }

  function markRefusal(field, rule, message, count, at) {
    const form = field.form || field.closest("form");
    if (form) unfinished.set(form, { field, rule });
    const evidence = { control: namer.control(field), form: formName(form), rule, count };
    evidence.validationMessage = privacy.scrub(withoutValue(message || "", field), 300);
    mark("validation_refused", `${namer.nameOf(field) || field.localName}: ${rule}`, evidence, at);
  }

  /** Browsers quote what was typed ("'jo' is missing an '@'"): it goes. */
  const withoutValue = (message, field) => [field.value, ...String(field.value || "").split(/[@\s]/)].reduce((text, typed) => (typed ? text.replaceAll(typed, "…") : text), message);

  /** A page's own validation shows itself by ``aria-invalid`` turning true right after an attempt. */
  function onMutations({ records, at }) {
    if (!records || at - triedAt > 2_000) return;
    const hit = records.find((change) => change.attributeName === "aria-invalid" && change.target.getAttribute("aria-invalid") === "true");
    if (!hit || refused.length || privacy.ignores(hit.target)) return;
    triedAt = 0;
    const described = document.getElementById(hit.target.getAttribute("aria-errormessage") || hit.target.getAttribute("aria-describedby") || "");
    markRefusal(hit.target, "customError", described && !privacy.hidesText(described) ? oneLine(described.textContent, 200) : "", 1, at);
  }

  function onSubmit({ target, at }) {
    unfinished.delete(target);
    breadcrumbs.add("submit", formName(target), null, at);
  }

  function onChange({ target, at }) {
    if (target.localName && !privacy.ignores(target)) breadcrumbs.add("input", namer.phrase(target), null, at);
  }

  function onLeave() {
    for (const [form, { field, rule }] of unfinished) {
      mark("form_abandoned", `${formName(form)} left after ${namer.nameOf(field) || field.localName}: ${rule}`, { control: namer.control(field), form: formName(form), rule });
    }
    unfinished.clear();
  }

  return { click: noteAttempt, keydown: noteAttempt, invalid: onInvalid, submit: onSubmit, change: onChange, mutations: onMutations, leave: onLeave };
}

/* ---------------------------------------------------------- signals: pages */

function watchPages(client) {
  const { settings, mark, visit } = client;
  const loadType = () => (performance.getEntriesByType("navigation")[0] || {}).type || "navigate";

  function checkReloadLoop() {
    const { loads, path } = visit;
    const at = loads.length && loads[loads.length - 1].at;
    const same = loads.filter((load) => load.path === path && at - load.at < settings.reloadLoopWindowMs);
    if (same.length < settings.reloadLoopThreshold) return;
    const seconds = Math.round((at - same[0].at) / 1_000);
    mark("reload_loop", `Reload loop on ${templatePath(path)}`, { count: same.length, extra: { seconds } });
    client.forgetLoads();
  }

  /** A page that was in sight and never said goodbye was killed or crashed. */
  function checkEarlierPage() {
    const { earlier } = visit;
    if (!earlier) return;
    const here = loadType() === "reload" && !page.opener; // a tab opened by script starts with a copy of our notes
    const cutOff = !earlier.leftAt && earlier.visible && here && visit.startedAt - earlier.at < 60_000;
    if (cutOff) mark("crash", `Page ${templatePath(earlier.path)} went away without goodbye`, { extra: { path: earlier.path } });
    if (loadType() === "back_forward") noteReturn();
  }

  function noteReturn() {
    const { earlier, path } = visit;
    const stayedMs = earlier && earlier.leftAt - earlier.enteredAt;
    if (!earlier || !earlier.leftAt || earlier.path === path || stayedMs >= settings.quickBackMs) return;
    mark("quick_back", `Quick back from ${templatePath(earlier.path)}`, { durationMs: stayedMs });
  }

  function checkBlank() {
    const body = document.body;
    if (!body || document.hidden || body.getElementsByTagName("*").length > 60) return;
    if (body.querySelector("img,svg,canvas,video,iframe,input,button,object,embed")) return;
    const copy = body.cloneNode(true);
    copy.querySelectorAll("script,style,template,noscript").forEach((node) => node.remove());
    const pictured = getComputedStyle(body).backgroundImage !== "none";
    if (!copy.textContent.trim() && !pictured) mark("blank_page", `Blank page on ${templatePath(location.pathname)}`);
  }

  if (!visit.judged) {
    visit.judged = true;
    checkEarlierPage();
    if (settings.detectReloadLoops) checkReloadLoop();
    later(checkBlank, 5_000);
  }
  return {
    failed: () => later(checkBlank, 2_000),
    return() {
      noteReturn();
      later(checkBlank, 5_000);
    },
  };
}

/** Largest paint, worst interaction, layout shift, and pages that froze. */
function watchVitals(client) {
  const { settings, mark } = client;
  const vitals = { lcp: 0, inp: 0, cls: 0 };
  let shift = { value: 0, firstAt: 0, lastAt: 0 };

  function onShift(entry) {
    if (entry.hadRecentInput) return;
    const same = entry.startTime - shift.lastAt < 1_000 && entry.startTime - shift.firstAt < 5_000;
    shift = { value: (same ? shift.value : 0) + entry.value, firstAt: same ? shift.firstAt : entry.startTime, lastAt: entry.startTime };
    vitals.cls = Math.max(vitals.cls, shift.value);
  }

  function onLongTask({ duration }) {
    if (duration >= settings.longTaskMs) mark("long_task", `Page ${templatePath(location.pathname)} froze`, { durationMs: Math.round(duration) });
  }

  const stops = [
    oversee("largest-contentful-paint", (entry) => (vitals.lcp = entry.startTime)),
    oversee("event", (entry) => entry.interactionId && (vitals.inp = Math.max(vitals.inp, entry.duration)), { durationThreshold: 40 }),
    oversee("layout-shift", onShift),
    oversee("longtask", onLongTask),
  ];
  return {
    leave: () => client.note("retrospec.vitals", { lcpMs: Math.round(vitals.lcp), inpMs: Math.round(vitals.inp), cls: Math.round(vitals.cls * 1_000) / 1_000 }),
    stop: () => stops.forEach((stop) => stop()),
  };
}

/** Reports each performance entry of ``type``, those before now included; returns how to stop. */
function oversee(type, read, more) {
  try {
    const observer = new PerformanceObserver(safely((list) => list.getEntries().forEach(read)));
    observer.observe({ type, buffered: true, ...more });
    return () => observer.disconnect();
  } catch (unsupported) {
    return () => {}; // this browser has no such measure
  }
}

/* ------------------------------------------------------ what did not load */

const EXTENSION = /^(chrome|moz|safari(-web)?|ms-browser)-extension:/;
const siteOf = (host) => host.split(".").slice(-2).join(".");

function watchLoads(client) {
  const { breadcrumbs, mark, privacy, settings } = client;

  function onResource({ target, at }) {
    const url = parseUrl(target.src || target.href || target.currentSrc || "");
    if (client.isOwnUrl(url.href) || !/^https?:$/.test(url.protocol)) return;
    const what = { script: "Script", link: "Stylesheet", img: "Image", video: "Video", audio: "Audio" }[target.localName];
    if (!what || (what === "Stylesheet" && !/stylesheet/i.test(target.rel))) return;
    const label = `${what} ${templatePath(url.pathname)} failed to load`;
    breadcrumbs.add("resource", label, null, at);
    if (siteOf(url.hostname) !== siteOf(location.hostname)) return; // blocked trackers are the visitor's own choice
    mark("resource_error", label, { url: privacy.scrub(url.href), failure: "network", control: client.namer.control(target) }, at);
  }

  function onPolicy({ event, at }) {
    const blocked = event.blockedURI || "";
    if (event.disposition === "report" || EXTENSION.test(blocked) || EXTENSION.test(event.sourceFile || "")) return;
    const place = { filename: event.sourceFile || "", lineno: event.lineNumber || 0, colno: event.columnNumber || 0 };
    const rule = event.effectiveDirective || event.violatedDirective;
    mark("csp_violation", `CSP ${rule} blocked ${blocked.split(/[?#]/)[0]}`, { url: privacy.scrub(blocked), type: rule, ...place }, at);
  }

  /** What a replay of this page cannot show. */
  function noteCoverage() {
    const unreadable = Array.from(document.styleSheets).filter((sheet) => {
      try {
        return !sheet.cssRules;
      } catch (foreign) {
        return true;
      }
    });
    const foreign = Array.from(document.querySelectorAll("iframe")).filter((frame) => !frame.contentDocument);
    const canvases = settings.recordCanvas ? 0 : document.querySelectorAll("canvas").length;
    client.note("retrospec.coverage", { unreadableStylesheets: unreadable.length, foreignFrames: foreign.length, canvases });
  }

  later(() => whenIdle(safely(noteCoverage), { timeout: 5_000 }), 1_000);
  return { resource: onResource, policy: onPolicy };
}

/* ---------------------------------------------- the spool of earlier pages */

const SPOOL_BYTES = 8 * 1024 * 1024;
const SPOOL_AGE_MS = 24 * 3_600_000;
const ADOPT_EVERY_MS = 60_000;
const LEFT = "retrospec.left"; // as in sdk.js: what the last page of this tab could not see written
const ORPHAN_MS = 120_000; // an open chunk lives for chunkMs; past this its page is gone

/** Takes over what pages that are gone left in the spool: now, in two seconds, when they may have ended writing, and each minute. */
function makeAdoption({ settings, identity, losses, spool, enqueue, isQueued }) {
  let nextAt = 0;

  const isMine = ([session, tab, seq]) => session === identity.sessionId && tab === identity.tabId && seq >= identity.firstSeq;
  const isGone = (key, part) => key[1] === identity.earlierTabId || Date.now() - part.at > ORPHAN_MS;

  const readAll = (ask) => spool.within("readonly", (store) => spool.committed(store, ask(store)));

  /**
   * Chunks whose page is gone, from their parts, newest first. What is too old or too much is deleted. No transaction waits
   * for the page: what it writes meanwhile would stand behind it, and be lost if the page went first.
   */
  async function read() {
    const [all = []] = (await readAll((store) => [store.getAllKeys()])) || [];
    const keys = all.filter((key) => !isMine(key));
    const parts = (keys.length && (await readAll((store) => keys.map((key) => store.get(key))))) || [];
    const chunks = new Map();
    const over = [];
    let bytes = 0;
    for (let index = parts.length - 1; index >= 0; index--) {
      const part = parts[index];
      if (!part) continue; // another tab was first
      bytes += part.events.length;
      if (bytes > SPOOL_BYTES || Date.now() - part.at > SPOOL_AGE_MS) {
        losses.count("spool_expired", part.count, part.markers);
        over.push(keys[index]);
      } else if (part.apiKey === settings.apiKey && isGone(keys[index], part)) {
        joinPart(chunks, keys[index], part);
      }
    }
    if (over.length) await spool.within("readwrite", (store) => spool.committed(store, over.map((key) => store.delete(key))));
    return Array.from(chunks.values()).reverse();
  }

  function joinPart(chunks, [session, tab, seq], part) {
    const name = [session, tab, seq].join();
    const chunk = chunks.get(name) || { key: [session, tab, seq], head: part.head, events: [], markers: [], count: 0, rest: "" };
    const text = part.events + chunk.rest;
    chunk.rest = part.more ? text : "";
    if (text && !part.more) chunk.events.unshift(text);
    chunk.markers.unshift(...part.markers);
    chunk.count += part.count;
    chunks.set(name, chunk);
  }

  async function adopt() {
    nextAt = now() + ADOPT_EVERY_MS;
    const left = tabStore.read(LEFT) || [];
    if (left.length) await spool.put(left);
    tabStore.remove(LEFT);
    const found = await read();
    enqueue(found.filter((chunk) => !isQueued(chunk.key)));
  }

  adopt();
  later(adopt, 2_000);
  return (atOnce) => (atOnce || now() > nextAt ? adopt() : undefined);
}

/* ------------------------------------------------------------ asset vault */

const ASSET_BYTES = 1024 * 1024;
const ASSETS_PER_CALL = 200;
const ASSETS_PER_PAGE = 500;
const ASSETS_REMEMBERED = 200;
const ASSET_TRUST_MS = 24 * 3_600_000;
const ASSET_ROUND_MS = 3_000;
const ASSET_REFUSALS = 3; // contents the server would not have; then the page sends it no more
const SENT_ASSETS = "retrospec.assets"; // per origin: address → [sha256, type, bytes, when]
const TOLD_ASSETS = "retrospec.told"; // per tab: the session and the addresses it has told the server
const LOADED_AS = /^(img|image|css|link|input|video)$/;
const ASSET_TYPE = /^(image|font)\/|^text\/css$|^application\/(x-)?font/;
const NO_ASSET = /\.(m?js|json|html?)$/i;

/**
 * Same-origin images, fonts and style sheets that the page has loaded, once per content: from the browser's cache, while it
 * is idle, so that tomorrow's deploy does not break yesterday's replay. What cannot be had is told in ``retrospec.assets``.
 */
function watchVault(client) {
  const { settings, identity, privacy } = client;
  const waiting = new Map(); // address → its resource timing
  const counts = {};
  let spentBytes = 0;
  let seen = 0;
  let refusals = 0;
  let busy = false;
  let ended = false;
  let sent = localStore.read(SENT_ASSETS) || {};

  const tally = (what, number = 1) => (counts[what] = (counts[what] || 0) + number);
  const address = (path, more = "") => `${settings.apiBaseUrl}/v2/assets${path}?key=${encodeURIComponent(settings.apiKey)}${more}`;
  const mayWork = () => !ended && identity.mode === "full" && !document.hidden && client.seesPage();

  function onLoaded(entry) {
    const url = entry.name.split("#")[0];
    if (!LOADED_AS.test(entry.initiatorType) || !/^https?:/.test(url) || waiting.has(url)) return;
    if (parseUrl(url).origin !== location.origin) return void tally("foreign");
    if (NO_ASSET.test(parseUrl(url).pathname) || client.isOwnUrl(url) || told().has(url)) return;
    seen += 1;
    if (seen > ASSETS_PER_PAGE) return void tally("overBudget");
    waiting.set(url, entry);
    arm();
  }

  function arm() {
    if (busy || !waiting.size) return;
    busy = true;
    later(() => whenIdle(() => round().catch(fail).then(rest), { timeout: ASSET_ROUND_MS }), ASSET_ROUND_MS);
  }

  function rest() {
    busy = false;
    if (mayWork()) arm();
  }

  function fail() {
    ended = true; // the server has no vault, or cannot be reached: not asked again on this page
    client.note(SENT_ASSETS, { ...counts, unavailable: "server" });
  }

  function told() {
    const [sessionId, urls] = tabStore.read(TOLD_ASSETS) || [];
    return new Set(sessionId === identity.sessionId ? urls : []);
  }

  async function round() {
    if (!mayWork()) return;
    const shown = addressesOutside();
    const hidden = addressesWithin();
    const found = [];
    for (const [url, entry] of Array.from(waiting).slice(0, ASSETS_PER_CALL)) {
      waiting.delete(url);
      const isPrivate = hidden.has(url) || (/^(img|image|input|video)$/.test(entry.initiatorType) && !shown.has(url));
      const asset = isPrivate ? tally("hidden") && null : known(url, entry) || (await read(url));
      if (asset) found.push(asset);
      if (!mayWork()) break;
    }
    if (found.length) await tell(found);
    client.note(SENT_ASSETS, { ...counts });
  }

  /** What was sent from this origin before, unless the address now holds something of another size, or it was long ago. */
  function known(url, { decodedBodySize }) {
    const [sha256, type, bytes, at] = sent[url] || [];
    return bytes && bytes === decodedBodySize && Date.now() - at < ASSET_TRUST_MS ? { url, sha256, type, bytes } : null;
  }

  async function read(url) {
    const response = await ownFetch(url, { cache: "force-cache", credentials: "same-origin", priority: "low" }).catch(() => null);
    if (!response || !response.ok || response.type !== "basic") return void tally("unreadable");
    const type = (response.headers.get("Content-Type") || "").split(";")[0].trim().toLowerCase();
    const tooLarge = Number(response.headers.get("Content-Length")) > ASSET_BYTES;
    if (!ASSET_TYPE.test(type) || tooLarge) {
      if (response.body) response.body.cancel();
      return tooLarge ? void tally("tooLarge") : null;
    }
    const content = await response.arrayBuffer();
    if (!content.byteLength || content.byteLength > ASSET_BYTES) return void tally("tooLarge");
    const digest = new Uint8Array(await page.crypto.subtle.digest("SHA-256", content));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { url, sha256, type, bytes: content.byteLength, content };
  }

  /** Tells the server which address shows which content in this session, and uploads what it does not have. */
  async function tell(assets) {
    const list = assets.map(({ url, sha256, type, bytes }) => ({ url, sha256, type, bytes }));
    const answer = await ask(address("/known"), JSON.stringify({ sessionId: identity.sessionId, assets: list }));
    if (!answer.ok) throw new Error("refused " + answer.status);
    const missing = new Set((await answer.json()).missing);
    for (const asset of assets) if (missing.delete(asset.sha256) && !(await upload(asset))) asset.lost = true;
    const kept = assets.filter((asset) => !asset.lost);
    for (const { url, sha256, type, bytes } of kept) sent[url] = [sha256, type, bytes, Date.now()];
    sent = Object.fromEntries(Object.entries(sent).slice(-ASSETS_REMEMBERED));
    localStore.write(SENT_ASSETS, sent);
    tabStore.write(TOLD_ASSETS, [identity.sessionId, [...told(), ...kept.map((asset) => asset.url)].slice(-ASSETS_PER_PAGE)]);
    tally("kept", kept.length);
  }

  async function upload(asset) {
    const { content, sha256, type } = asset.content ? asset : (await read(asset.url)) || asset;
    if (!content || sha256 !== asset.sha256) return false;
    spentBytes += content.byteLength;
    if (spentBytes > settings.assetPageBytes) return void tally("overBudget");
    const response = await ask(address("", `&sha256=${sha256}&type=${encodeURIComponent(type)}`), new Blob([content])); // no type: no preflight
    if (!response.ok) return refused(response.status);
    tally("sentBytes", content.byteLength);
    return true;
  }

  /** One content the server will not have costs that one; a server that wants none of them is left alone. */
  function refused(status) {
    tally("refused");
    refusals += 1;
    if (refusals >= ASSET_REFUSALS || !/^4(00|04|13|15|22)$/.test(status)) throw new Error("refused " + status);
    return false;
  }

  const ask = (url, body) => ownFetch(url, { method: "POST", body, mode: "cors", credentials: "omit", priority: "low" });

  const urlsIn = (text) => Array.from(String(text).matchAll(/url\(["']?([^"')]+)/g), (found) => found[1]);
  const plain = (url) => parseUrl(url).href.split("#")[0];

  function addressesOf(element) {
    const { src, currentSrc, poster, href } = element;
    const link = href && href.baseVal; // of an SVG image
    const candidates = (element.srcset || "").split(/,\s+|\s+/);
    return [src, currentSrc, poster, link, ...candidates].filter((one) => one && typeof one === "string").map(plain);
  }

  const MEDIA = "img,source,image,input[type=image],video";

  function addressesOutside() {
    const outside = Array.from(document.querySelectorAll(MEDIA)).filter((element) => !privacy.hides(element));
    return new Set(outside.flatMap(addressesOf));
  }

  /** What only blocked and masked parts of the page show, pictures and backgrounds, stays with the visitor. */
  function addressesWithin() {
    const all = privacy.hidden.split(",").map((one) => `${one},${one} *`).join();
    const within = Array.from(document.querySelectorAll(all)).slice(0, 500);
    const painted = within.flatMap((element) => urlsIn(getComputedStyle(element).backgroundImage)).map(plain);
    const shown = addressesOutside();
    return new Set([...painted, ...within.flatMap(addressesOf).filter((url) => !shown.has(url))]);
  }

  if (!settings.assets) return {};
  if (!page.crypto || !page.crypto.subtle) {
    client.note(SENT_ASSETS, { unavailable: "insecure context" });
    return {};
  }
  return { promoted: arm, stop: oversee("resource", onLoaded) };
}
