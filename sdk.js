/**
 * RetroSpec in the browser: records a visit as rrweb events, marks the moments where something failed, and hands
 * both to the server in numbered chunks that are kept until the server has acknowledged them.
 *
 * Two files. This one is what a page loads at once: nothing recorded, thrown or sent may wait for more. From top to bottom:
 *   settings · small tools · clock · privacy · identity · dropped · spool · outbox
 *   recorder · markers and breadcrumbs · signals (errors, network, routes) · the second part · governor · the API
 * sdk-more.js is fetched once the page has settled and reads what was kept for it meanwhile: clicks, forms, vitals, assets.
 *
 * Rules that hold everywhere below: nothing thrown here reaches the page; no return value, error or order of the
 * page's own calls changes; every buffer is bounded and what is dropped is counted; our own traffic is never recorded.
 */
import { record as recordDom } from "@rrweb/record";

/* ---------------------------------------------------------------- settings */

const DEFAULTS = {
  apiBaseUrl: "",
  apiKey: "",
  site: "",
  route: "",
  release: "",
  environment: "",
  tags: null,
  autoStart: true,
  debug: false,
  // How much is recorded, and when it is sent.
  sampleRate: 1,
  onErrorSampleRate: 0,
  errorBufferMs: 60_000,
  maxEvents: 50_000,
  chunkMs: 30_000,
  autoFlushMs: 60_000,
  idleMs: 15 * 60_000,
  maxSessionMs: 60 * 60_000,
  cpuBudget: 0.02,
  recordCanvas: false,
  assets: true,
  assetPageBytes: 4 * 1024 * 1024,
  // What is watched.
  recordConsole: true,
  recordNetwork: true,
  recordXHR: true,
  detectRageClicks: true,
  detectDeadClicks: true,
  detectFormValidation: true,
  detectReloadLoops: true,
  rageClickThreshold: 3,
  rageClickWindowMs: 1_200,
  deadClickMs: 2_500,
  reloadLoopThreshold: 3,
  reloadLoopWindowMs: 15_000,
  slowRequestMs: 10_000,
  longTaskMs: 3_000,
  quickBackMs: 5_000,
  ignoreErrors: null,
  ignoreUrls: null,
  captureBodies: null,
  // What never leaves the browser.
  maskAllInputs: true,
  maskInputOptions: null,
  maskAllText: false,
  maskSelector: "",
  unmaskSelector: "",
  blockSelector: "",
  ignoreSelector: "",
  scrub: null,
  respectPrivacySignals: false,
};

const SPOOL_EVERY_MS = 1_000;
const EXPRESS_BYTES = 16 * 1024;
const EXPRESS_BURST = 5; // markers sent at once; then one request a second
const EXPRESS_REFILL_MS = 1_000;
const CHUNK_BYTES = 512 * 1024; // closed early past this, so that one retry never costs much
const EVENT_BYTES = 12 * 1024 * 1024; // the server takes 20 MB; an event past this cannot be sent at all
const KEEPALIVE_BYTES = 48 * 1024; // browsers allow 64 KB in flight per page; the rest is the page's own
const GZIP_BYTES = 1_024;
const PART_CHARS = 30_000; // browsers put a value past 64 KB into a file of its own, which a page that is going away never ends
const BACKLOG_BYTES = 4 * 1024 * 1024;
const LEFT_PARTS = 30; // a million characters at most, of the five that a site has
const UNSURE_PUTS = 60; // a minute of them: a database that takes none is given up
const EARLY_PUMP_BYTES = 1024 * 1024; // past this, closed chunks do not wait for the clock: browsers compress on the page's thread
const SEND_TIMEOUT_MS = 30_000;
const RETRY_BASE_MS = 1_000;
const RETRY_MAX_MS = 60_000;
const REFUSALS = 3; // in a row: a wrong key, say; then the page is left alone
const RETRY_BUDGET = 30; // failures in a row; then the spool waits for the next page
const MARKERS_PER_PAGE = 200;
const MARKERS_PER_SIGNATURE = 5;
const REPEAT_GAP_MS = 1_000;
const BREADCRUMBS = 20;
const EARLY_ENTRIES = 400; // kept of what happens before the second part is there
const EARLY_BATCHES = 60; // of them with their mutation records
const BATCH_RECORDS = 50; // past so many changes at once nobody asks which

/* ------------------------------------------------------------- small tools */

const inBrowser = typeof window === "object" && typeof document === "object";
const page = inBrowser ? window : {};

/** The browser's own function, also where zone.js (Angular) has wrapped it: our timers must not wake its change detection. */
function native(name) {
  const zone = page.Zone;
  const unwrapped = zone && zone.__symbol__ && page[zone.__symbol__(name)];
  const found = unwrapped || page[name];
  return typeof found === "function" ? found.bind(page) : null;
}

const setTimer = native("setTimeout");
const clearTimer = native("clearTimeout");
const ownFetch = native("fetch");
const whenIdle = native("requestIdleCallback") || ((run) => setTimer(run, 50));
const perfNow = () => performance.now();

let onFault = (error) => console.warn("[retrospec] nothing is recorded:", error);

/** ``run`` such that an error of ours ends here, counted, and never in the page. */
function safely(run) {
  return function (...args) {
    try {
      return run.apply(this, args);
    } catch (error) {
      onFault(error);
      return undefined;
    }
  };
}

const later = (run, ms) => setTimer(safely(run), ms);
const cut = (value, length) => (value.length > length ? value.slice(0, length) + "…" : value);
const oneLine = (value, length) => cut(String(value).replace(/\s+/g, " ").trim(), length);

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return Array.from(bytes, (byte) => "0123456789abcdefghjkmnpqrstvwxyz"[byte & 31]).join("");
}

/** Listens passively in the capture phase; returns how to stop. */
function on(target, type, run, capture = true) {
  const listener = safely(run);
  const options = { capture, passive: true };
  target.addEventListener(type, listener, options);
  return () => target.removeEventListener(type, listener, options);
}

/** Whether ``text`` matches one of ``patterns``: strings by inclusion, or regular expressions. */
function matchesAny(text, patterns) {
  return (patterns || []).some((pattern) => (pattern instanceof RegExp ? text.search(pattern) >= 0 : text.includes(pattern)));
}

const byteLength = (text) => new TextEncoder().encode(text).length;

/** Storage that may be blocked, full or absent: then what it held lives only as long as the page. */
function storage(name) {
  const memory = new Map();
  const attempt = (run) => {
    try {
      return run(page[name]);
    } catch (blocked) {
      return undefined;
    }
  };
  return {
    read(key) {
      const text = attempt((store) => store.getItem(key)) ?? memory.get(key);
      try {
        return text ? JSON.parse(text) : null;
      } catch (notOurs) {
        return null;
      }
    },
    write(key, value) {
      const text = JSON.stringify(value);
      memory.set(key, text);
      attempt((store) => store.setItem(key, text));
    },
    remove(key) {
      memory.delete(key);
      attempt((store) => store.removeItem(key));
    },
  };
}

/** The lines of a stack that name a script; a native frame and V8's heading name none. */
const framesOf = (error) => String(error && error.stack).split("\n").filter((line) => line.includes("://"));

/** Where this script was loaded from: to tell our own stack frames from the page's, and to find the second part. */
function ownScriptUrl() {
  const line = framesOf(new Error())[0] || "";
  const found = line.match(/\w+:\/\/[^\s()]+?(?=:\d+:\d+)/);
  return found ? found[0] : "";
}

/** The built file of that name, beside this script, or at the server where the script is part of another bundle. */
function besideUs(settings, name) {
  const script = ownScriptUrl();
  const base = /\/sdk\.m?js\b/.test(script) ? script : settings.apiBaseUrl + "/";
  return new URL(`${name}?${SDK_BUILD}`, base).href;
}

/* ------------------------------------------------------------------- clock */

let skewMs = 0;
let newestMs = 0;

/** Epoch milliseconds that never run backwards, even when the visitor's clock is set back. */
function now() {
  const wallMs = Date.now();
  if (wallMs + skewMs < newestMs) skewMs = newestMs - wallMs;
  newestMs = wallMs + skewMs;
  return newestMs;
}

/* ----------------------------------------------------------------- privacy */

const SECRET_FIELD = /pass(word|wd|code|phrase)|\bpwd|secret|token|\botp\b|one-?time|\bpin\b|cvv|cvc|card.?num|\bcc-|\bssn\b|iban/i;
const SECRETS = [
  [/eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, "[token]"],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, "$1 [token]"],
  [/\b[spr]k_(live|test)_\w+|\bAKIA\w{16}\b|\bgh[pousr]_\w{20,}/g, "[key]"],
  [/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "[email]"],
  [/\b\d(?:[ -]?\d){14,18}\b/g, "[number]"],
  [/((?:pass(?:word|wd)?|token|secret|api_?key|authorization|session_?id)["']?\s*[:=]\s*["']?)[^\s"'&,;}]+/gi, "$1[secret]"],
  [/([?&#;][\w.[\]-]+=)[^&#\s"'<>)]+/g, "$1*"],
];
const BUTTON_TYPES = /^(submit|button|reset|image)$/;
const INPUT_TYPES =
  "color date datetime-local email month number range search tel text time url week textarea select password hidden file";

function makePrivacy(settings) {
  /** Our attribute, rrweb's class and the site's own selector. One that cannot be read throws: better no recording than an open one. */
  const selector = (attribute, own) => {
    const whole = `[data-retrospec-${attribute}],.rr-${attribute}${own ? "," + own : ""}`;
    document.createDocumentFragment().querySelector(whole);
    return whole;
  };
  const block = selector("block", settings.blockSelector);
  const ignore = selector("ignore", settings.ignoreSelector);
  const mask = selector("mask", settings.maskSelector);
  const unmask = selector("unmask", settings.unmaskSelector);
  const own = (settings.scrub || []).map((pattern) => [pattern, "[scrubbed]"]);
  const within = (element, wanted) => !!(element && element.closest && element.closest(wanted));

  /** ``text`` without query values, tokens, keys, e-mail addresses and card-like numbers. */
  function scrub(text, length = 1_000) {
    let clean = cut(String(text), length);
    for (const [pattern, instead] of SECRETS) clean = clean.replace(pattern, instead);
    for (const [pattern, instead] of own) clean = clean.replaceAll(pattern, instead);
    return clean;
  }

  function isSecretField(element) {
    const named = [element.type, element.name, element.id, element.autocomplete].join(" ");
    return element.type === "hidden" || element.hasAttribute("data-rr-is-password") || SECRET_FIELD.test(named);
  }

  /** Whether what is typed into ``element`` must not be seen. Secrets are never unmasked, whatever the options. */
  function hidesValue(element) {
    if (BUTTON_TYPES.test(element.type)) return false;
    const shown = within(element, unmask) || !settings.maskAllInputs;
    if (!shown || isSecretField(element) || within(element, mask)) return true;
    if (within(element, unmask)) return false;
    const byType = settings.maskInputOptions || {};
    return byType[element.type] === true || byType[element.localName] === true;
  }

  const stars = (text) => text.replace(/\S/g, "*");
  const hidesText = (element) =>
    within(element, block) || within(element, mask) || (settings.maskAllText && !within(element, unmask));

  return {
    block,
    ignore,
    // A textarea's first text is a child node that rrweb takes for page text once the field is emptied.
    maskText: settings.maskAllText ? "*" : mask + ",textarea",
    scrub,
    hidesText,
    hidden: block + "," + mask,
    hides: (element) => within(element, block) || within(element, mask),
    ignores: (element) => within(element, ignore) || within(element, block),
    maskInput: (text, element) => (hidesValue(element) ? "*".repeat(Math.min(text.length, 64)) : text),
    maskTextNode: (text, element) =>
      hidesText(element) || (element && element.localName === "textarea" && hidesValue(element)) ? stars(text) : text,
    stars,
  };
}

/** Path with the parts that name one thing replaced: ``/orders/81723`` → ``/orders/:id``. */
function templatePath(path) {
  const isId = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27,}|(?=.*\d)[0-9a-f]{8,}|(?=.*\d)[\w-]{20,}|.*(@|%40).*)$/i;
  return path.replace(/[^/]+/g, (part) => (isId.test(part) ? ":id" : part));
}

function parseUrl(url) {
  try {
    return new URL(url, document.baseURI);
  } catch (notAUrl) {
    return new URL(location.href);
  }
}

/* ---------------------------------------------------------------- identity */

const localStore = storage("localStorage");
const tabStore = storage("sessionStorage");
const VISITOR = "retrospec.visitor";
const SESSION = "retrospec.session";
const TAB = "retrospec.tab"; // there only between two pages of one tab, so that a duplicated tab cannot copy it
const LEFT = "retrospec.left"; // what the spool may not have taken before the page went; for the tab's next page

/** Who visits, in which session, tab and page load. */
function makeIdentity(settings) {
  const identity = { visitorId: "", sessionId: "", startedAt: 0, lastActiveAt: 0, segment: 0, mode: "full", tabId: "", seq: 0, firstSeq: 0, earlierTabId: "" };
  let savedAt = 0;

  function chooseMode() {
    if (Math.random() < settings.sampleRate) return "full";
    return Math.random() < settings.onErrorSampleRate ? "on_error" : "off";
  }

  function begin() {
    const at = now();
    Object.assign(identity, { sessionId: "s-" + randomId(), startedAt: at, lastActiveAt: at, segment: 0, mode: chooseMode() });
    Object.assign(identity, { tabId: "t-" + randomId().slice(0, 10), seq: 0, firstSeq: 0 });
  }

  const isOver = (at) => at - identity.lastActiveAt > settings.idleMs || at - identity.startedAt > settings.maxSessionMs;

  function save() {
    const { sessionId, startedAt, lastActiveAt, segment, mode } = identity;
    tabStore.write(SESSION, { sessionId, startedAt, lastActiveAt, segment, mode, newestMs });
    savedAt = now();
  }

  identity.open = () => {
    const known = tabStore.read(SESSION);
    const handed = tabStore.read(TAB);
    if (known && known.sessionId) {
      newestMs = Math.max(newestMs, known.newestMs < Date.now() + 3_600_000 ? known.newestMs : 0);
      Object.assign(identity, known, { segment: known.segment + 1 });
    }
    if (!known || isOver(now())) begin();
    else Object.assign(identity, handed || { tabId: "t-" + randomId().slice(0, 10), seq: 0 });
    if (handed) identity.earlierTabId = handed.tabId;
    identity.firstSeq = identity.seq;
    tabStore.remove(TAB);
    save();
  };
  /** Notes that the person did something; true when that begins a new session. */
  identity.touch = (at) => {
    const over = isOver(at);
    if (over) begin();
    identity.lastActiveAt = at;
    if (over || at - savedAt > 5_000) save();
    return over;
  };
  identity.isIdle = (at) => at - identity.lastActiveAt > settings.idleMs;
  identity.promote = () => {
    identity.mode = "full";
    save();
  };
  /** Read when the first chunk is described, not at the start: ``localStorage`` may have to be fetched from disk. */
  identity.visitor = () => {
    if (!identity.visitorId) {
      identity.visitorId = localStore.read(VISITOR) || "v-" + randomId();
      localStore.write(VISITOR, identity.visitorId);
    }
    return identity.visitorId;
  };
  /** For the next page of this tab, which goes on counting where this one ends. */
  identity.handOver = () => {
    save();
    tabStore.write(TAB, { tabId: identity.tabId, seq: identity.seq });
  };
  /** Back from the back/forward cache: another page may have counted on meanwhile. */
  identity.takeBack = () => identity.open();
  return identity;
}

/* ----------------------------------------------------------------- dropped */

/** What was lost and why, counted (and named, where it was markers) until a chunk has carried it to the server. */
function makeLosses() {
  let lost = new Map();

  function add(reason, count, ids) {
    if (!count) return;
    const entry = lost.get(reason) || { reason, count: 0 };
    entry.count += count;
    if (ids.length) entry.markers = [...(entry.markers || []), ...ids].slice(0, MARKERS_PER_PAGE);
    lost.set(reason, entry);
  }

  return {
    count: (reason, number = 1, markers = []) => add(reason, number + markers.length, markers.map((marker) => marker.id)),
    /** What a chunk was to tell that is lost itself. */
    giveBack: (taken) => (taken || []).forEach(({ reason, count, markers }) => add(reason, count, markers || [])),
    take() {
      const taken = Array.from(lost.values());
      lost = new Map();
      return taken;
    },
  };
}

/* ------------------------------------------------------------------- spool */

/**
 * What the server has not acknowledged, in IndexedDB, in parts: ``[session, tab, seq, part]`` → a part of a chunk.
 * Parts of a chunk that is still open carry its number already, so that a crash never changes what a number means.
 */
function makeSpool(losses) {
  const unsure = new Set(); // what is not known to be written; a browser under load may take a second to open the database
  let opening = null;
  let broken = false;

  const request = (asked) =>
    new Promise((resolve, reject) => {
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = (event) => {
        event.preventDefault();
        reject(asked.error);
      };
    });

  function open() {
    if (!opening) {
      opening = Promise.resolve().then(() => {
        const asked = indexedDB.open("retrospec", 1);
        asked.onupgradeneeded = () => asked.result.createObjectStore("parts");
        return request(asked);
      });
      opening.then((database) => (database.onversionchange = () => database.close()), giveUp);
    }
    return opening;
  }

  function giveUp() {
    if (!broken) losses.count("spool_unavailable");
    broken = true;
  }

  async function within(mode, run) {
    if (broken) return undefined;
    try {
      const transaction = (await open()).transaction("parts", mode, { durability: "relaxed" });
      transaction.onabort = (event) => event.preventDefault && event.preventDefault();
      return await run(transaction.objectStore("parts"));
    } catch (unavailable) {
      giveUp();
      return undefined;
    }
  }

  /** Commits at once: nobody waits for the page to hear the answers, which one that is busy or going away does not. */
  function committed(store, asked) {
    const done = Promise.all(asked.map(request));
    if (store.transaction.commit) store.transaction.commit();
    return done;
  }

  const wholeChunk = ([session, tab, seq]) => IDBKeyRange.bound([session, tab, seq], [session, tab, seq, []]);

  return {
    /** All or nothing, so that no slice is ever read without its others. */
    put(parts) {
      if (!broken) unsure.add(parts);
      if (unsure.size > UNSURE_PUTS) giveUp();
      return within("readwrite", (store) => {
        store.transaction.oncomplete = () => unsure.delete(parts);
        return committed(store, parts.map(([key, part]) => store.put(part, key)));
      });
    },
    remove: (key) => within("readwrite", (store) => committed(store, [store.delete(wholeChunk(key))])),
    /** The newest is most likely not written; the site's own room in its storage stays its own. */
    leave() {
      let room = LEFT_PARTS;
      const fits = Array.from(unsure).reverse().filter((parts) => (room -= parts.length) >= 0);
      if (fits.length) tabStore.write(LEFT, fits.reverse().flat());
    },
    within,
    committed,
  };
}

/* ------------------------------------------------------------------ outbox */

async function gzip(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** Seconds or a date, as milliseconds from now; 0 where there is none. */
function retryAfterMs(response) {
  const value = response.headers.get("Retry-After");
  if (!value) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Math.min(Math.max(ms || 0, 0), 300_000);
}

/**
 * Gathers events and markers into numbered chunks and sees each one acknowledged, refused or counted as lost.
 * ``describe()`` gives what every chunk says of its session and page.
 */
function makeOutbox(settings, identity, losses, { describe, onFlush, onGap, onHuge, onRefused, isCalm }) {
  const spool = makeSpool(losses);
  const url = `${settings.apiBaseUrl}/v2/chunks?key=${encodeURIComponent(settings.apiKey)}`;
  const receipts = new Map();
  let pending = []; // events as objects, not yet text
  let open = newChunk();
  let queue = []; // closed chunks without an answer, oldest first
  let backlogBytes = 0;
  let sending = null;
  let failures = 0;
  let refusals = 0;
  let waitUntil = 0;
  let expressTokens = EXPRESS_BURST;
  let expressAt = now();
  let onWireBytes = 0;
  let timers = {};
  let lastAnswer = {};
  let soonMs = 0; // there while somebody watches the session, as long as that costs the page nothing
  let closed = false; // the page is going away
  let onPackMs = () => {};

  function newChunk() {
    return { key: null, head: null, events: [], markers: [], count: 0, bytes: 0, parts: 0, unspooled: 0, unspooledMarkers: 0 };
  }

  function arm(name, ms, run) {
    if (!timers[name]) {
      timers[name] = later(() => {
        timers[name] = 0;
        run();
      }, ms);
    }
  }

  const keyOfOpen = () => (open.key = open.key || [identity.sessionId, identity.tabId, identity.seq++]);

  /** Pending events become text, each exactly once. */
  function pack() {
    const from = perfNow();
    const events = pending;
    pending = [];
    for (const event of events) {
      const text = JSON.stringify(event);
      if (text.length > EVENT_BYTES) {
        losses.count("event_too_large");
        if (event.type === FULL_SNAPSHOT) onHuge();
        else onGap();
        continue;
      }
      open.events.push(text);
      open.bytes += text.length;
      open.count += 1;
      if (open.bytes > CHUNK_BYTES) close();
    }
    onPackMs(perfNow() - from);
  }

  function spoolOpen() {
    const key = keyOfOpen();
    const fresh = open.events.slice(open.unspooled);
    const markers = open.markers.slice(open.unspooledMarkers);
    if (!fresh.length && !markers.length) return;
    open.unspooled = open.events.length;
    open.unspooledMarkers = open.markers.length;
    const head = open.head || describe(false);
    const text = fresh.join();
    const parts = [];
    for (let from = 0; !from || from < text.length; from += PART_CHARS) {
      const slice = from ? { markers: [], count: 0, more: true } : { markers, count: fresh.length };
      const part = { at: Date.now(), apiKey: settings.apiKey, head, events: text.slice(from, from + PART_CHARS), ...slice };
      parts.push([[...key, open.parts++], part]);
    }
    spool.put(parts);
  }

  /** Ends the open chunk: from here its content never changes. */
  function close(final = false) {
    if (!open.count && !open.markers.length && !final) return;
    const chunk = open;
    const dropped = losses.take();
    keyOfOpen();
    chunk.head = describe(final);
    if (dropped.length) chunk.head.dropped = dropped;
    spoolOpen();
    open = newChunk();
    enqueue(chunk);
  }

  function enqueue(chunk) {
    chunk.bytes = chunk.events.reduce((sum, text) => sum + text.length, 0);
    queue.push(chunk);
    backlogBytes += chunk.bytes;
    while (backlogBytes > BACKLOG_BYTES && shedOldest());
  }

  /** Gives up the events (never the markers) of the oldest chunk that still has some. */
  function shedOldest() {
    const oldest = queue.find((chunk) => chunk.bytes && chunk !== sending);
    if (!oldest) return false;
    losses.count("backlog", oldest.count);
    const { key, head, markers } = oldest;
    emptyEvents(oldest);
    spool.remove(key);
    if (markers.length) {
      spool.put([[[...key, 0], { at: Date.now(), apiKey: settings.apiKey, head, events: "", markers, count: 0 }]]);
    } else {
      queue = queue.filter((one) => one !== oldest);
      losses.giveBack(head.dropped);
    }
    onGap();
    return true;
  }

  function emptyEvents(chunk) {
    backlogBytes -= chunk.bytes;
    Object.assign(chunk, { events: [], bytes: 0, count: 0 });
  }

  function forget(chunk) {
    emptyEvents(chunk);
    queue = queue.filter((one) => one !== chunk);
    spool.remove(chunk.key);
  }

  function bodyOf(chunk) {
    const [sessionId, tabId, seq] = chunk.key;
    const head = { v: 2, sessionId, tabId, seq, ...chunk.head, sentAt: now() };
    return `${JSON.stringify(head).slice(0, -1)},"markers":${JSON.stringify(chunk.markers)},"events":[${chunk.events.join()}]}`;
  }

  function post(body, keepalive) {
    const abort = typeof AbortController === "function" ? new AbortController() : null;
    const timer = abort && setTimer(() => abort.abort(), SEND_TIMEOUT_MS);
    const options = { method: "POST", body, keepalive, mode: "cors", credentials: "omit", cache: "no-store", priority: "low" };
    options.headers = { "Content-Type": "text/plain;charset=UTF-8" };
    if (abort) options.signal = abort.signal;
    return ownFetch(url, options).finally(() => clearTimer(timer));
  }

  /** Sends what is closed, one request at a time, until nothing is left or the server asks for rest. */
  async function pump() {
    const next = queue.find((chunk) => !chunk.onWire);
    if (sending || closed || !next || refusals >= REFUSALS) return undefined;
    if (now() < waitUntil) return arm("retry", waitUntil - now(), pump);
    sending = next;
    try {
      await sendOne(next);
    } catch (unreachable) {
      next.onWire = false;
      restAWhile(0);
    }
    sending = null;
    return pump();
  }

  async function sendOne(chunk) {
    const text = bodyOf(chunk);
    const packed = typeof CompressionStream === "function" && text.length > GZIP_BYTES ? await gzip(text) : text;
    if (chunk.onWire) return; // the page said farewell meanwhile and sent it itself
    const urgent = (chunk.markers.length > 0 || document.hidden) && packed.length < KEEPALIVE_BYTES / 2;
    chunk.onWire = urgent;
    await settle(chunk, await post(packed, urgent));
  }

  async function settle(chunk, response) {
    const status = response.status;
    if (response.ok) return acknowledge(chunk, response);
    chunk.onWire = false;
    if (status === 413 && chunk.count && chunk.markers.length) {
      losses.count("too_large", chunk.count);
      return emptyEvents(chunk);
    }
    if (status === 408 || status === 429 || status >= 500) return restAWhile(retryAfterMs(response));
    losses.count("refused_" + status, chunk.count, chunk.markers);
    losses.giveBack(chunk.head.dropped);
    if (settings.debug) console.warn("[retrospec] the server refused a chunk:", status);
    forget(chunk);
    refusals += 1;
    if (refusals >= REFUSALS) onRefused();
    return undefined;
  }

  async function acknowledge(chunk, response) {
    failures = 0;
    refusals = 0;
    forget(chunk);
    const answer = await response.json().catch(() => ({}));
    lastAnswer = answer;
    soonMs = isCalm() && answer.soonMs;
    if (soonMs) arm("soon", soonMs, flush);
    for (const marker of answer.markers || []) receipts.set(marker.id, marker);
    if (receipts.size > MARKERS_PER_PAGE) receipts.delete(receipts.keys().next().value);
  }

  function restAWhile(askedMs) {
    failures += 1;
    const backoffMs = Math.min(RETRY_BASE_MS * 2 ** (failures - 1), RETRY_MAX_MS);
    waitUntil = now() + Math.max(askedMs, backoffMs * (0.5 + Math.random() / 2));
    if (failures < RETRY_BUDGET) arm("retry", waitUntil - now(), pump);
  }

  const wake = () => {
    waitUntil = 0;
    failures = Math.min(failures, 3);
    pump();
  };

  function tick() {
    pack();
    if (open.count || open.markers.length) spoolOpen();
    if (backlogBytes > EARLY_PUMP_BYTES) pump();
  }

  /** Closes and sends; resolves when everything closed so far is answered or the server cannot be reached. */
  async function flush() {
    pack();
    close();
    onFlush();
    await pump();
    while ((sending || onWireBytes) && !closed) await new Promise((resolve) => setTimer(resolve, 20));
  }

  /** Markers leave at once, while the page lives, in a request small enough to outlive it; a storm of them waits its turn. */
  function hurry() {
    const markers = open.markers.slice(open.unspooledMarkers);
    if (!markers.length || closed) return;
    expressTokens = Math.min(EXPRESS_BURST, expressTokens + (now() - expressAt) / EXPRESS_REFILL_MS);
    expressAt = now();
    if (expressTokens < 1) {
      arm("marker", EXPRESS_REFILL_MS, flush);
      return;
    }
    expressTokens -= 1;
    open.markers.length = open.unspooledMarkers;
    pack();
    if (open.bytes > EXPRESS_BYTES) close();
    open.markers.push(...markers);
    close();
    express(queue[queue.length - 1], KEEPALIVE_BYTES - onWireBytes);
    pump();
  }

  /** Sends ``chunk`` now, so that it outlives the page, if it fits ``room``. */
  function express(chunk, room) {
    const body = !chunk.onWire && chunk.bytes < room ? bodyOf(chunk) : "";
    const size = body ? byteLength(body) : 0;
    if (!size || size > room) return;
    chunk.onWire = true;
    onWireBytes += size;
    const arrived = () => (onWireBytes -= size);
    const failed = safely(() => {
      arrived();
      chunk.onWire = false;
      restAWhile(0);
    });
    post(body, true).then((response) => settle(chunk, response).finally(arrived), failed);
  }

  /** The last words of a page: as much as keepalive carries, markers first; the rest stays in the spool. */
  function farewell(final) {
    pack();
    if (final) splitForFarewell();
    else close();
    const unsent = queue.slice().sort((a, b) => b.markers.length - a.markers.length || b.key[2] - a.key[2]);
    for (const chunk of unsent) express(chunk, KEEPALIVE_BYTES - onWireBytes);
  }

  /** What no spooled part fixes yet may be split: markers and the newest events that fit first, older events after. */
  function splitForFarewell() {
    const markers = open.markers.slice(open.unspooledMarkers);
    let room = KEEPALIVE_BYTES - 4_096 - byteLength(JSON.stringify(markers));
    if (open.bytes < room / 2 && !open.unspooled && !open.unspooledMarkers) return close(true);
    const older = open.events.splice(open.unspooled);
    open.markers.length = open.unspooledMarkers;
    open.count = open.events.length;
    close();
    const newest = [];
    while (older.length && (room -= byteLength(older[older.length - 1])) > 0) newest.unshift(older.pop());
    Object.assign(open, { events: newest, count: newest.length, markers });
    close(true);
    Object.assign(open, { events: older, count: older.length });
    return older.length && close(true);
  }

  return {
    receipts,
    add(event) {
      if (pending.length >= settings.maxEvents) {
        losses.count("max_events", pending.length);
        pending = [];
        onGap();
      }
      pending.push(event);
      arm("spool", SPOOL_EVERY_MS, () => whenIdle(safely(tick), { timeout: SPOOL_EVERY_MS }));
      if (soonMs) arm("soon", soonMs, flush);
      arm("flush", Math.min(settings.chunkMs, settings.autoFlushMs), flush);
    },
    addMarker(marker) {
      open.markers.push(marker);
      if (open.markers.length - open.unspooledMarkers === 1) Promise.resolve().then(safely(hurry));
    },
    flush,
    farewell,
    wake,
    spool,
    isQueued: (key) => queue.some((chunk) => chunk.key.join() === key.join()),
    /** Chunks of pages that are gone. */
    takeOver(chunks) {
      chunks.forEach(enqueue);
      pump();
    },
    closeNow() {
      pack();
      close();
      pump();
    },
    setClosed(value) {
      closed = value;
    },
    whenPacked(run) {
      onPackMs = run;
    },
    result: () => ({
      sessionId: identity.sessionId,
      eventsObjectKey: lastAnswer.eventsObjectKey || "",
      ingestAccepted: !queue.length,
    }),
    dispose() {
      for (const name of Object.keys(timers)) clearTimer(timers[name]);
      timers = {};
    },
  };
}

/* ---------------------------------------------------------------- recorder */

const META = 4;
const FULL_SNAPSHOT = 2;
const INCREMENTAL = 3;
const CUSTOM = 5;
const MUTATION = 0;
const MOUSE_MOVE = 1;
const TOUCH_MOVE = 6;
const SCROLL = 3;
const INPUT = 5;
const MEDIA = 7;
const SELECTION = 14;
const BY_PERSON = new Set([MOUSE_MOVE, 2, SCROLL, INPUT, TOUCH_MOVE, 12]);

/**
 * rrweb, set up for privacy and timed. ``sink(event)`` gets every event; ``onMutations(records)`` what the page changed
 * (null where only rrweb saw it); ``spend(ms)`` each piece of main-thread time.
 */
function makeRecorder(settings, privacy, { sink, onMutations, spend }) {
  let record = recordDom;
  let stopRrweb = null;
  let depth = 0;
  let thinning = null;
  const script = ownScriptUrl();

  function timed(run) {
    const from = perfNow();
    depth += 1;
    try {
      return run();
    } finally {
      depth -= 1;
      if (!depth) spend(perfNow() - from);
    }
  }

  /**
   * What rrweb takes for the MutationObserver constructor: the same observer, whose callback is timed and cannot throw.
   * A proxy, because rrweb goes and fetches one from an iframe when the constructor does not read as native.
   */
  function timedObserver(Observer) {
    const watched = (callback) => (records, observer) => {
      timed(() => callback(records, observer));
      onMutations(records);
    };
    return new Proxy(Observer, { construct: (target, [callback]) => new target(safely(watched(callback))) });
  }

  function emit(event) {
    event.timestamp = now(); // rrweb reads the bare clock, which may be set back
    if (event.type === META) event.data.href = privacy.scrub(event.data.href, 2_000);
    if (event.type === FULL_SNAPSHOT) hideEmptiedFields();
    if (settings.maskAllText) maskAttributes(event);
    if (event.type === INCREMENTAL && event.data.source === MUTATION && !depth) onMutations(null);
    sink(event);
    if (thinning && event.type === INCREMENTAL && event.data.source === MUTATION) record.freezePage();
  }

  /** rrweb keeps the ``value`` attribute of a field that was emptied; the attribute is as private as the value. */
  function hideEmptiedFields() {
    for (const field of document.querySelectorAll("input[value]")) {
      const meta = !field.value && record.mirror.getMeta(field);
      if (meta && meta.attributes && meta.attributes.value) {
        meta.attributes.value = privacy.maskInput(String(field.getAttribute("value")), field);
      }
    }
  }

  /** Text that rrweb's text masking leaves in attributes. Only paid for with ``maskAllText``. */
  function maskAttributes(event) {
    const spoken = ["title", "alt", "placeholder", "aria-label", "aria-description", "label", "content"];
    const maskIn = (attributes) => {
      for (const name of spoken) {
        if (attributes && typeof attributes[name] === "string") attributes[name] = privacy.stars(attributes[name]);
      }
    };
    const walk = (node) => {
      maskIn(node.attributes);
      (node.childNodes || []).forEach(walk);
    };
    const data = event.data || {};
    if (data.node) walk(data.node);
    (data.adds || []).forEach((add) => walk(add.node));
    (data.attributes || []).forEach((change) => maskIn(change.attributes));
  }

  /** A fault inside rrweb ends here; an error of the page's own call that rrweb wraps is the page's and goes on. */
  function isOurFault(error) {
    const isPageError = error instanceof DOMException || /Failed to execute|Rule/.test(String(error && error.message));
    const top = framesOf(error)[0] || "";
    if (isPageError || !script || !top.includes(script)) return false;
    onFault(error);
    return true;
  }

  function options(thin) {
    const masked = Object.fromEntries((INPUT_TYPES + " input").split(" ").map((type) => [type, true]));
    return {
      emit: safely(emit),
      maskInputOptions: masked,
      maskInputFn: privacy.maskInput,
      maskTextSelector: privacy.maskText,
      maskTextFn: privacy.maskTextNode,
      blockSelector: privacy.block,
      ignoreSelector: privacy.ignore,
      slimDOMOptions: { script: true, comment: true, headMetaVerification: true, headMetaSocial: true },
      recordCanvas: settings.recordCanvas,
      sampling: thin ? { mousemove: false, scroll: 500, input: "last" } : { scroll: 150 },
      errorHandler: isOurFault,
    };
  }

  function start(thin = false) {
    const prototype = MutationObserver.prototype;
    const Observer = prototype.constructor;
    stop();
    try {
      prototype.constructor = timedObserver(Observer);
      stopRrweb = timed(() => record(options(thin))) || null;
    } finally {
      prototype.constructor = Observer;
    }
  }

  function stop() {
    if (stopRrweb) stopRrweb();
    stopRrweb = null;
  }

  return {
    start,
    stop,
    /** The recorder with canvas, a download of its own because few ask for it. */
    async withCanvas() {
      record = (await import(besideUs(settings, "sdk-canvas.mjs"))).record;
    },
    nodeId: (node) => Math.max(0, record.mirror.getId(node)),
    isOn: () => !!stopRrweb,
    snapshot: () => stopRrweb && timed(() => record.takeFullSnapshot()),
    /** Mutations gathered for a second at a time; rrweb thaws at the next event of another kind. */
    thin() {
      thinning = thinning || setInterval(safely(() => stopRrweb && record.addCustomEvent("retrospec.thaw", {})), 1_000);
    },
    thicken() {
      clearInterval(thinning);
      thinning = null;
    },
  };
}

/* ---------------------------------------------------- markers, breadcrumbs */

const KINDS = {
  exception: "js_exception",
  unhandled_rejection: "js_exception",
  console_error: "js_exception",
  hydration_error: "js_exception",
  crash: "js_exception",
  http_error: "api_error",
  network_error: "api_error",
  slow_request: "api_error",
  resource_error: "api_error",
  csp_violation: "api_error",
  validation_refused: "validation_failed",
  form_abandoned: "validation_failed",
};

function makeBreadcrumbs(privacy) {
  const ring = [];
  return {
    add(category, message, data, at = now()) {
      const crumb = { at, category, message: privacy.scrub(oneLine(message, 200)) };
      if (data) crumb.data = data;
      ring.push(crumb);
      if (ring.length > BREADCRUMBS) ring.shift();
    },
    list: () => ring.slice(),
  };
}

/** Decides which failures become markers: not the same one over and over, and never without bound. */
function makeMarkers(privacy, losses, breadcrumbs, publish) {
  const seen = new Map();
  let total = 0;
  let newest = { at: 0, message: "" };

  function allowance(signature, at) {
    const known = seen.get(signature) || { count: 0, nextAt: 0, muted: 0 };
    if (seen.size < 500) seen.set(signature, known);
    if (total >= MARKERS_PER_PAGE || known.count >= MARKERS_PER_SIGNATURE || at < known.nextAt) {
      known.muted += 1;
      losses.count(total >= MARKERS_PER_PAGE ? "marker_limit" : "marker_repeated");
      return null;
    }
    total += 1;
    known.count += 1;
    known.nextAt = at + REPEAT_GAP_MS;
    return known;
  }

  function mark(signal, label, evidence, at = now()) {
    const text = privacy.scrub(oneLine(label, 200));
    const known = allowance(signal + text, at);
    if (!known) return "";
    const repeats = known.muted ? { count: known.muted + 1 } : {};
    known.muted = 0;
    const full = { signal, ...repeats, ...evidence, breadcrumbs: breadcrumbs.list() };
    const marker = { id: "m-" + randomId(), at, kind: KINDS[signal] || "ui_no_effect", label: text, evidence: full };
    newest = { at, message: evidence.message || text };
    breadcrumbs.add("marker", text);
    publish(marker);
    return marker.id;
  }

  /** Frameworks log what they have just thrown: the same failure told twice. */
  const justMarked = (text) => now() - newest.at < 1_000 && text.includes(newest.message);

  return { mark, justMarked };
}

/* --------------------------------------------------------- signals: errors */

const NOISE = /^ResizeObserver loop|^Non-Error promise rejection captured with value: Object Not Found/;
const EXTENSION = /^(chrome|moz|safari(-web)?|ms-browser)-extension:/;
const HYDRATION =
  /hydrat(ion|ing).*(fail|error|mismatch|match)|error while hydrating|(text content|prop .*|server[- ]rendered html) (did not|didn't|does not) match|expected server html|minified react error #(418|419|421|422|423|425)\b/i;

function watchErrors(client) {
  const { settings, privacy, mark, breadcrumbs } = client;
  const marked = new WeakSet();
  const once = (value) => {
    if (!value || typeof value !== "object") return true;
    if (marked.has(value)) return false;
    marked.add(value);
    return true;
  };
  client.noteMarkedError = (error) => once(error);

  function describeError(value) {
    const isError = value instanceof Error || (value && typeof value === "object" && "message" in value && "stack" in value);
    if (!isError) return { type: "", message: privacy.scrub(describeValue(value)), stack: "" };
    return { type: String(value.name || "Error"), message: privacy.scrub(String(value.message)), stack: privacy.scrub(String(value.stack || ""), 8_000) };
  }

  function describeValue(value) {
    if (typeof value === "string") return value;
    try {
      return value && typeof value === "object" ? cut(JSON.stringify(value) || String(value), 500) : String(value);
    } catch (unreadable) {
      return Object.prototype.toString.call(value);
    }
  }

  function report(signal, value, extra = {}) {
    const error = describeError(value);
    const text = error.message || extra.message || "";
    if (NOISE.test(text) || EXTENSION.test(extra.filename || "") || matchesAny(text, settings.ignoreErrors)) return "";
    const kind = HYDRATION.test(text) ? "hydration_error" : signal;
    const label = error.type && !text.startsWith(error.type) ? `${error.type}: ${text}` : text;
    if (client.lastClick) client.lastClick.error = true;
    const control = client.controlBefore(now());
    return mark(kind, label || "Error without a message", { ...extra, ...error, message: text, ...control });
  }
  client.reportError = (value, extra) => once(value) && report("exception", value, { handled: true, extra });

  function onError(event) {
    if (event.target && event.target !== window && event.target.localName) return client.tell("resource", { target: event.target });
    if (!("message" in event) || !once(event.error)) return undefined;
    const place = { filename: privacy.scrub(event.filename || "", 500), lineno: event.lineno || 0, colno: event.colno || 0 };
    const message = String(event.message).replace(/^Uncaught /, "");
    return report("exception", event.error || message, { ...place, message });
  }

  function onPolicy(event) {
    const blocked = event.blockedURI || "";
    if (client.isOwnUrl(blocked) || blocked === parseUrl(settings.apiBaseUrl).origin) client.losses.count("csp");
    else client.tell("policy", { event });
  }

  function onConsole(level, args) {
    const text = args.map(describeValue).join(" ");
    if (settings.recordConsole && (level === "error" || level === "warn")) breadcrumbs.add("console", `${level}: ${text}`);
    if (level === "error") reportConsoleError(args, text);
  }

  function reportConsoleError(args, text) {
    const error = args.find((one) => one instanceof Error);
    if (error ? !once(error) : client.justMarked(text)) return;
    report("console_error", error || formatConsole(args, text));
  }

  /** ``console.error("%s failed", "x")`` reads "x failed". */
  function formatConsole(args, text) {
    if (typeof args[0] !== "string" || !/%[sdifoOc]/.test(args[0])) return text;
    const rest = args.slice(1);
    return args[0].replace(/%[sdifoOc]/g, (mark) => (mark === "%c" ? (rest.shift(), "") : describeValue(rest.shift())));
  }

  const stops = [
    on(window, "error", onError),
    on(window, "unhandledrejection", (event) => once(event.reason) && report("unhandled_rejection", event.reason)),
    on(document, "securitypolicyviolation", onPolicy),
  ];
  if (settings.recordConsole) for (const level of ["error", "warn"]) stops.push(wrapConsole(level, onConsole));
  if (Error.stackTraceLimit === 10) Error.stackTraceLimit = 50; // V8's default: nobody has set it
  return stops;
}

function wrapConsole(level, onConsole) {
  const note = safely(onConsole);
  let busy = false; // what our own reading of the arguments may log is not the page's
  return wrapMethod(console, level, (target, self, args) => {
    if (!busy) {
      busy = true;
      note(level, args);
      busy = false;
    }
    return Reflect.apply(target, self, args);
  });
}

/** Puts ``apply`` in front of a method, invisibly (name, length and text stay); returns how to take it away. */
function wrapMethod(owner, name, apply) {
  const original = owner[name];
  if (typeof original !== "function") return () => {};
  const wrapper = new Proxy(original, { apply });
  owner[name] = wrapper;
  return () => {
    if (owner[name] === wrapper) owner[name] = original;
  };
}

/* -------------------------------------------------------- signals: network */

function watchNetwork(client) {
  const { settings, privacy, mark, breadcrumbs } = client;
  let leaving = false;
  const stops = [
    on(window, "beforeunload", () => {
      leaving = true;
      later(() => (leaving = false), 3_000);
    }),
  ];

  function begin(method, url) {
    const parsed = parseUrl(String(url));
    if (client.isOwnUrl(parsed.href) || !/^https?:$/.test(parsed.protocol)) return null;
    client.tell("network");
    return { method: String(method || "GET").toUpperCase(), url: parsed, at: now(), from: perfNow(), error: new Error() };
  }

  /** The page's frames, innermost first: our own four on top, whatever the engine, are left out. */
  const callersOf = (call) => privacy.scrub(framesOf(call.error).slice(4).join("\n"), 2_000);

  /** ``outcome``: status, failure, requestId, extra. */
  function end(call, outcome) {
    const durationMs = Math.round(perfNow() - call.from);
    const path = templatePath(call.url.pathname);
    const place = call.url.host === location.host ? path : call.url.host + path;
    const result = outcome.failure || outcome.status;
    const evidence = { method: call.method, url: privacy.scrub(call.url.href), status: outcome.status || 0, durationMs };
    breadcrumbs.add("request", `${call.method} ${place} ${result}`, { durationMs });
    client.note("retrospec.request", { ...evidence, failure: outcome.failure || "" });
    if (outcome.failure === "aborted" || leaving || matchesAny(call.url.href, settings.ignoreUrls)) return "";
    const signal = signalOf(outcome, durationMs);
    if (!signal) return "";
    for (const name of ["failure", "requestId", "extra"]) if (outcome[name]) evidence[name] = outcome[name];
    evidence.stack = callersOf(call);
    Object.assign(evidence, client.controlBefore(call.at));
    return mark(signal, `${call.method} ${place} ${signal === "slow_request" ? "slow" : result}`, evidence);
  }

  function signalOf(outcome, durationMs) {
    if (outcome.failure) return "network_error";
    if (outcome.status >= 400) return "http_error";
    return durationMs > settings.slowRequestMs ? "slow_request" : "";
  }

  const wantsBody = (call) => matchesAny(call.url.href, settings.captureBodies);
  const shownBody = (text) => privacy.scrub(text, 2_000);

  function requestId(header) {
    for (const name of ["x-request-id", "x-correlation-id", "x-trace-id"]) {
      const value = header(name);
      if (value) return cut(value, 128);
    }
    return "";
  }

  const network = { begin, end, wantsBody, shownBody, requestId };
  if (settings.recordNetwork) stops.push(wrapFetch(network, client));
  if (settings.recordXHR) stops.push(wrapXhr(network));
  return stops;
}

/**
 * The promise handed out is derived, not watched on the side: a side branch would mark a rejection as handled and so
 * silence the page's own ``unhandledrejection``.
 */
function wrapFetch(network, client) {
  if (!page.fetch) return () => {};
  const start = safely(([input, init]) => {
    const request = typeof Request === "function" && input instanceof Request ? input : null;
    const call = network.begin((init && init.method) || (request && request.method), request ? request.url : input);
    const signal = (init && init.signal) || (request && request.signal);
    return call && Object.assign(call, { signal, sent: init && init.body });
  });
  const succeed = safely(async (call, response) => {
    if (response.type === "opaque" || response.type === "opaqueredirect") return;
    const outcome = { status: response.status, requestId: network.requestId((name) => response.headers.get(name)) };
    if (response.status >= 400 && network.wantsBody(call)) outcome.extra = await bodies(call, response.clone());
    network.end(call, outcome);
  });
  const bodies = async (call, copy) => ({
    requestBody: typeof call.sent === "string" ? network.shownBody(call.sent) : "",
    responseBody: network.shownBody(await copy.text().catch(() => "")),
  });
  const fail = safely((call, error) => {
    const timeout = error && error.name === "TimeoutError";
    const aborted = !timeout && ((error && error.name === "AbortError") || (call.signal && call.signal.aborted));
    network.end(call, { status: 0, failure: aborted ? "aborted" : timeout ? "timeout" : "network", extra: navigator.onLine === false ? { offline: true } : null });
    client.noteMarkedError(error); // an unhandled rejection that follows is the same failure
  });
  return wrapMethod(window, "fetch", (target, self, args) => {
    const call = start(args);
    const promise = Reflect.apply(target, self, args);
    if (!call || !promise || typeof promise.then !== "function") return promise;
    const settled = [
      (response) => {
        succeed(call, response);
        return response;
      },
      (error) => {
        fail(call, error);
        throw error;
      },
    ];
    if (promise.constructor === Promise) return promise.then(...settled);
    promise.then((response) => succeed(call, response), (error) => fail(call, error)); // not a plain promise: leave it as it is
    return promise;
  });
}

function wrapXhr(network) {
  const prototype = page.XMLHttpRequest && page.XMLHttpRequest.prototype;
  if (!prototype) return () => {};
  const opened = new WeakMap();
  const begin = safely((xhr) => {
    const [method, url] = opened.get(xhr) || [];
    const call = url !== undefined && network.begin(method, url);
    if (!call) return;
    let failure = "";
    const stops = ["error", "timeout", "abort"].map((type) => on(xhr, type, () => (failure = { error: "network", timeout: "timeout", abort: "aborted" }[type])));
    stops.push(
      on(xhr, "loadend", () => {
        stops.forEach((stop) => stop());
        network.end(call, { status: xhr.status, failure, requestId: requestIdOf(xhr), extra: bodiesOf(call, xhr) });
      }),
    );
  });
  // getResponseHeader logs an error for a header that CORS hides; the full list does not.
  const requestIdOf = (xhr) => {
    const lines = (xhr.getAllResponseHeaders() || "").toLowerCase();
    return network.requestId((name) => (lines.match(new RegExp(`^${name}: (.+)$`, "m")) || [])[1]);
  };
  const bodiesOf = (call, xhr) =>
    xhr.status >= 400 && network.wantsBody(call) && /^(text)?$/.test(xhr.responseType) ? { responseBody: network.shownBody(xhr.responseText) } : null;
  const stops = [
    wrapMethod(prototype, "open", (target, self, args) => {
      const result = Reflect.apply(target, self, args);
      opened.set(self, [args[0], args[1]]);
      return result;
    }),
    wrapMethod(prototype, "send", (target, self, args) => {
      begin(self);
      return Reflect.apply(target, self, args);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/* --------------------------------------------------------- signals: routes */

const LOADS = "retrospec.loads";
const ALIVE = "retrospec.alive";

/** Tells route changes, and leaves notes for the tab's next page: what was loaded when, and whether this page said goodbye. */
function watchRoutes(client) {
  const { breadcrumbs, privacy, visit } = client;
  let leftAt = 0;
  const note = () => tabStore.write(ALIVE, { path: visit.path, enteredAt: visit.enteredAt, leftAt, at: now(), visible: !document.hidden });

  function onRoute(trigger) {
    if (location.pathname === visit.path) return;
    client.closeChunk();
    Object.assign(visit, { path: location.pathname, enteredAt: now() });
    client.tell("route");
    breadcrumbs.add("navigation", visit.path);
    client.note("retrospec.navigation", { href: privacy.scrub(location.href, 2_000), route: visit.path, trigger });
  }

  if (!visit.startedAt) {
    const at = now();
    Object.assign(visit, { startedAt: at, enteredAt: at, path: location.pathname, earlier: tabStore.read(ALIVE) });
    visit.loads = [...(tabStore.read(LOADS) || []), { path: visit.path, at }].slice(-20);
    tabStore.write(LOADS, visit.loads);
  }
  note();

  const stops = [
    on(document, "visibilitychange", note),
    on(window, "pagehide", () => {
      leftAt = now();
      note();
    }),
    on(window, "pageshow", (event) => {
      if (!event.persisted) return;
      visit.earlier = tabStore.read(ALIVE);
      leftAt = 0;
      note();
    }),
    on(window, "popstate", () => onRoute("popstate")),
    on(window, "hashchange", () => onRoute("hash")),
  ];
  if (page.navigation && page.navigation.addEventListener) return [...stops, on(page.navigation, "currententrychange", () => onRoute("history"))];
  const changed = safely(() => onRoute("history"));
  for (const name of ["pushState", "replaceState"]) {
    stops.push(
      wrapMethod(history, name, (target, self, args) => {
        const result = Reflect.apply(target, self, args);
        changed();
        return result;
      }),
    );
  }
  return stops;
}

/* --------------------------------------------------------- the second part */

const HEARD_ON_DOCUMENT =
  "click keydown invalid submit change scroll toggle play pause copy fullscreenchange selectionchange focusin".split(" ");
const HEARD_ON_WINDOW = "blur hashchange popstate beforeunload".split(" ");

/**
 * Hears what sdk-more.js judges, keeps it until that has arrived, and then hands it over in order. Of a run of equal
 * entries the first is enough, but for those that count one by one.
 */
function makeEars(client) {
  let early = [];
  let batches = 0;
  let more = null;
  let failed = false;
  const each = /^(click|keydown|invalid|submit|change|resource|policy|mutations)$/;

  function tell(type, told) {
    const entry = { type, at: now(), ...told };
    if (type === "click") noteClick(entry);
    if (more) more.hear(entry);
    else if (!failed) keep(entry);
  }

  function keep(entry) {
    const newest = early[early.length - 1];
    if (entry.type === "mutations" && (batches += 1) > EARLY_BATCHES) entry.records = null;
    const repeats = newest && newest.type === entry.type && !(entry.records || each.test(entry.type));
    if (repeats || (newest && entry.records === null && newest.records === null)) return;
    if (early.length < EARLY_ENTRIES) early.push(entry);
    else client.losses.count("early_input");
  }

  function noteClick(entry) {
    if (entry.event.isTrusted && entry.target instanceof Element) client.lastClick = entry;
  }

  function onEvent(event) {
    const { type } = event;
    if (type === "keydown" && event.key !== "Enter") return;
    if (type === "blur" && event.target !== window) return;
    if (!client.lastClick && !each.test(type)) return; // an effect of nothing
    if (type === "selectionchange" && (getSelection() || { isCollapsed: true }).isCollapsed) return;
    tell(type, { event, target: type === "click" ? event.composedPath()[0] : event.target });
  }

  async function load() {
    try {
      const part = await import(besideUs(client.settings, "sdk-more.mjs"));
      if (part.BUILD !== SDK_BUILD) throw new Error("another build");
      if (client.isOn() && !more) install(part);
    } catch (missing) {
      failed = true;
      early = [];
      client.losses.count("second_part");
    }
  }

  function install(part) {
    const kit = { cut, later, localStore, matchesAny, now, oneLine, ownFetch, page, parseUrl, safely, tabStore, templatePath, whenIdle, wrapMethod };
    more = part.install(client, kit);
    for (const entry of early) more.hear(entry);
    early = [];
  }

  /** After the page has loaded and come to rest, or four seconds, whichever is first. */
  function loadSoon() {
    let begun = false;
    const begin = () => {
      if (begun) return;
      begun = true;
      whenIdle(safely(load), { timeout: 2_000 });
    };
    if (document.readyState === "complete") return begin();
    later(begin, 4_000);
    return on(window, "load", begin);
  }

  function listen() {
    loadSoon();
    const stops = [...HEARD_ON_DOCUMENT.map((type) => on(document, type, onEvent)), ...HEARD_ON_WINDOW.map((type) => on(window, type, onEvent))];
    stops.push(() => {
      if (more) more.stop();
      more = null;
    });
    return stops;
  }

  return { tell, listen };
}

/* ---------------------------------------------------------------- governor */

const WINDOW_MS = 5_000;
const LEVELS = ["full", "no mouse moves", "coarse", "markers only"];

/** Watches our own main-thread time per window and steps down past the budget, or up again after a calm minute. */
function makeGovernor(settings, apply) {
  let level = 0;
  let spentMs = 0;
  let totalMs = 0;
  let windowAt = perfNow();
  let over = 0;
  let calm = 0;

  function step(next, share) {
    const before = level;
    level = next;
    if (level === before) return;
    over = calm = 0;
    apply(level, before, { level: LEVELS[level], share: Math.round(share * 1_000) / 1_000 });
  }

  function judge(share) {
    over = share > settings.cpuBudget ? over + 1 : 0;
    calm = share < settings.cpuBudget / 4 ? calm + 1 : 0;
    if (share > settings.cpuBudget * 12) step(3, share);
    else if (over >= 2) step(Math.min(level + 1, 3), share);
    else if (calm >= 12 && level && level < 3) step(level - 1, share);
  }

  return {
    spend(ms) {
      spentMs += ms;
      totalMs += ms;
      const passedMs = perfNow() - windowAt;
      if (passedMs < WINDOW_MS) return;
      const share = spentMs / passedMs;
      spentMs = 0;
      windowAt = perfNow();
      judge(share);
    },
    force: (next) => step(next, 0),
    totalMs: () => Math.round(totalMs),
    level: () => level,
  };
}

/* ------------------------------------------------------------- one client */

const LIVE = Symbol.for("retrospec.live");

/** The rolling buffer of a session that is only sent once something fails: whole blocks, each with its own snapshot. */
function makeRollingBuffer(settings, losses) {
  let blocks = [];
  let size = 0;
  return {
    add(event) {
      if (event.type === META || !blocks.length) blocks.push([]);
      blocks[blocks.length - 1].push(event);
      size += 1;
      const cutoff = event.timestamp - settings.errorBufferMs;
      while (blocks.length > 1 && (blocks[1][0].timestamp < cutoff || size > settings.maxEvents)) size -= blocks.shift().length;
      if (size > settings.maxEvents * 2) {
        losses.count("max_events", size);
        blocks = [];
        size = 0;
      }
    },
    blockStart: () => (blocks.length ? blocks[blocks.length - 1][0].timestamp : 0),
    isFull: () => size > settings.maxEvents / 2,
    drain() {
      const events = blocks.flat();
      blocks = [];
      size = 0;
      return events;
    },
  };
}

function makeClient(settings) {
  const privacy = makePrivacy(settings);
  const identity = makeIdentity(settings);
  const losses = makeLosses();
  const breadcrumbs = makeBreadcrumbs(privacy);
  const buffer = makeRollingBuffer(settings, losses);
  const outbox = makeOutbox(settings, identity, losses, { describe, onFlush: () => client.adopt(), onGap: wantSnapshot, onHuge: () => governor.force(3), onRefused: () => halt(), isCalm: () => !governor.level() });
  const governor = makeGovernor(settings, onGovernor);
  const recorder = makeRecorder(settings, privacy, { sink, onMutations, spend: governor.spend });
  const { mark: addMark, justMarked } = makeMarkers(privacy, losses, breadcrumbs, publish);
  const viewport = { width: 0, height: 0 };
  let user = null;
  let tags = { ...settings.tags };
  let stops = [];
  let state = "idle"; // idle, on, paused, stopped
  let dormant = false;
  let snapshotTimer = 0;
  let snapshotMs = 0;
  let guard = false;

  const client = {
    settings,
    privacy,
    losses,
    breadcrumbs,
    justMarked,
    identity,
    visit: {},
    lastClick: null,
    spool: outbox.spool,
    isQueued: outbox.isQueued,
    enqueue: outbox.takeOver,
    nodeId: recorder.nodeId,
    isOn: () => state === "on",
    isOwnUrl: (url) => url.startsWith(settings.apiBaseUrl + "/v2/") || /\/sdk-(more|canvas)\.mjs\b/.test(url),
    seesPage: () => recorder.isOn() && governor.level() < 2,
    adopt: () => {},
    closeChunk: () => outbox.closeNow(),
    forgetLoads: () => tabStore.remove(LOADS),
    controlBefore,
    note,
    mark,
  };
  const ears = makeEars(client);
  client.tell = ears.tell;

  /** The control clicked within the second before ``at``, as evidence; by its node alone while nothing can name it. */
  function controlBefore(at) {
    const click = client.lastClick;
    if (!click || at - click.at > 1_000) return {};
    const { target, element = target, control } = click;
    return { control: control || (client.namer ? client.namer.control(element) : { nodeId: recorder.nodeId(element), tag: element.localName }) };
  }

  onFault = (error) => {
    losses.count("sdk_fault");
    if (settings.debug) console.warn("[retrospec]", error);
  };

  function describe(final) {
    const head = {
      segment: identity.segment,
      site: settings.site,
      route: settings.route || location.pathname,
      url: privacy.scrub(location.href, 2_000),
      startedAt: identity.startedAt,
      visitorId: identity.visitor(),
      client: { userAgent: navigator.userAgent, language: navigator.language, viewport: { ...viewport }, sdk: SDK_VERSION, overheadMs: governor.totalMs() },
    };
    if (user) head.user = user;
    if (settings.release) head.release = settings.release;
    if (settings.environment) head.environment = settings.environment;
    if (Object.keys(tags).length) head.tags = tags;
    if (final) head.final = true;
    return head;
  }

  /** Every event passes here, rrweb's and our own. */
  function sink(event) {
    if (state !== "on") return;
    if (event.type === META) Object.assign(viewport, { width: event.data.width, height: event.data.height });
    if (event.type === INCREMENTAL && BY_PERSON.has(event.data.source)) wakeUp(event.timestamp);
    else if (!dormant && identity.isIdle(event.timestamp)) dormant = true; // nobody is there: the page talks to itself
    if (dormant) return;
    if (event.type === INCREMENTAL) noteRecorded(event.data);
    if (identity.mode === "full") outbox.add(event);
    else keepForError(event);
  }

  function wakeUp(at) {
    const before = identity.segment;
    if (identity.lastActiveAt && identity.isIdle(at)) outbox.closeNow(); // what belongs to the old session keeps its number
    if (!identity.touch(at)) {
      dormant = false;
      return;
    }
    dormant = true; // until the new session has its first snapshot
    later(() => {
      dormant = false;
      if (identity.mode === "off") pause();
      else recorder.snapshot();
    }, 0);
    client.note("retrospec.session", { segment: before });
  }

  function noteRecorded(data) {
    if (data.source === INPUT || data.source === MEDIA || data.source === SELECTION) client.tell("input");
  }

  function keepForError(event) {
    buffer.add(event);
    const ageMs = event.timestamp - buffer.blockStart();
    const dueMs = Math.max(settings.errorBufferMs, snapshotMs * 200); // a checkpoint may cost half a percent
    if (ageMs > dueMs || buffer.isFull()) wantSnapshot();
  }

  /** A full snapshot soon, when the page has a moment: a new place that replay can start from. */
  function wantSnapshot() {
    if (snapshotTimer) return;
    snapshotTimer = later(() => {
      whenIdle(
        safely(() => {
          const from = perfNow();
          snapshotTimer = 0;
          if (state === "on") recorder.snapshot();
          snapshotMs = perfNow() - from;
        }),
        { timeout: 5_000 },
      );
    }, 2_000);
  }

  function note(tag, payload) {
    sink({ type: CUSTOM, timestamp: now(), data: { tag, payload } });
  }

  function mark(signal, label, evidence = {}, at) {
    if (state !== "on" || guard) return "";
    guard = true; // what naming an element may provoke is ours
    try {
      const debugIds = evidence.stack && client.debugIds && client.debugIds(evidence.stack);
      if (debugIds) evidence.extra = { ...evidence.extra, debugIds };
      return addMark(signal, label, evidence, at);
    } finally {
      guard = false;
    }
  }

  function publish(marker) {
    if (identity.mode === "on_error") {
      identity.promote();
      client.tell("promoted");
      for (const event of buffer.drain()) outbox.add(event);
    }
    const { id, kind, label } = marker;
    sink({ type: CUSTOM, timestamp: Math.max(marker.at, 0), data: { tag: "retrospec.marker", payload: { id, kind, label } } });
    outbox.addMarker(marker);
    if (kind === "js_exception") client.tell("failed");
  }

  function onMutations(records) {
    client.tell("mutations", { records: records && records.length <= BATCH_RECORDS ? records : null });
  }

  function onGovernor(level, before, detail) {
    note("retrospec.governor", detail);
    if (level === 3) return recorder.stop();
    if (level === 2) return recorder.thin();
    recorder.thicken();
    return level !== before && before < 2 && recorder.start(level === 1);
  }

  function onPageHide() {
    client.tell("leave");
    if (identity.mode === "full") outbox.farewell(true);
    outbox.spool.leave();
    outbox.setClosed(true);
    identity.handOver();
  }

  function onPageShow(event) {
    if (!event.persisted) return;
    outbox.setClosed(false);
    identity.takeBack();
    client.tell("return");
    recorder.snapshot();
    client.adopt(true);
  }

  function watch() {
    stops = [
      ...watchErrors(client),
      ...watchNetwork(client),
      ...watchRoutes(client),
      ...ears.listen(),
      on(window, "pagehide", onPageHide),
      on(window, "pageshow", onPageShow),
      on(window, "online", outbox.wake),
      on(document, "visibilitychange", () => document.hidden && identity.mode === "full" && outbox.closeNow()),
    ];
  }

  function startRecording() {
    if (state === "on") recorder.start(governor.level() > 0);
  }

  const prepareRecording = () => (settings.recordCanvas ? recorder.withCanvas().catch(() => losses.count("canvas")).then(safely(startRecording)) : startRecording());

  function start() {
    if (state === "on") return;
    if (state !== "paused") identity.open();
    if (identity.mode === "off") return;
    state = "on";
    page[LIVE] = client;
    watch();
    if (document.readyState === "loading") stops.push(on(document, "DOMContentLoaded", prepareRecording));
    else prepareRecording();
    outbox.whenPacked(governor.spend);
  }

  /** Takes every hook out of the page and stops recording; what was recorded still goes out. */
  function pause(next = "paused") {
    if (state !== "on") return;
    recorder.thicken();
    recorder.stop();
    stops.forEach((stop) => safely(stop)());
    stops = [];
    if (identity.mode === "full") outbox.closeNow();
    state = next;
  }

  async function flush() {
    if (identity.mode === "full") await outbox.flush();
    return outbox.result();
  }

  async function stop() {
    pause("stopped");
    const result = await flush();
    outbox.dispose();
    if (page[LIVE] === client) page[LIVE] = null;
    return result;
  }

  /** The server will not have us: leave the page alone. */
  function halt() {
    pause("stopped");
    outbox.dispose();
  }

  return Object.assign(client, {
    start,
    stop,
    flush,
    pause,
    isStopped: () => state === "stopped",
    sessionId: () => identity.sessionId,
    receipt: (markerId) => outbox.receipts.get(markerId) || null,
    capture: (error, extra) => (state === "on" && client.reportError(error, extra)) || "",
    setUser(id, traits) {
      user = id ? { id: String(id), ...(traits ? { traits } : {}) } : null;
    },
    setTags(more) {
      tags = { ...tags, ...more };
    },
  });
}

/* ----------------------------------------------------------------- the API */

let current = null;

/** Settings from ``options``: the defaults where nothing, or nothing usable, was given. */
function readSettings(options) {
  const settings = { ...DEFAULTS };
  for (const name of Object.keys(options || {})) if (options[name] !== undefined) settings[name] = options[name];
  settings.site = String(settings.site || location.host);
  settings.apiKey = String(settings.apiKey);
  settings.apiBaseUrl = parseUrl(settings.apiBaseUrl || scriptOrigin()).href.replace(/[?#].*$/, "").replace(/\/+$/, "");
  return settings;
}

const scriptOrigin = () => (ownScriptUrl() ? new URL(ownScriptUrl()).origin : location.origin);
const refusesTracking = () => navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";
const nothing = () => Promise.resolve({ sessionId: "", eventsObjectKey: "", ingestAccepted: false });

/**
 * Begins to record this page, unless ``autoStart`` is false. Returns the API. Where there is no browser, no key, or a
 * copy at work already, nothing new starts.
 */
export function initRetrospec(options) {
  safely(() => {
    if (!inBrowser || !ownFetch || (current && !current.isStopped())) return;
    const settings = readSettings(options);
    if (!settings.apiKey) {
      console.warn("[retrospec] no apiKey was given, so nothing is recorded");
      return;
    }
    if (settings.respectPrivacySignals && refusesTracking()) return;
    current = page[LIVE] || makeClient(settings);
    page[LIVE] = current;
    if (settings.autoStart) current.start();
  })();
  return retrospec;
}

const call = (name) => safely((...args) => current && current[name](...args));
const callOr = (name, otherwise) => {
  const run = call(name);
  return (...args) => run(...args) || otherwise();
};

export const retrospec = {
  initRetrospec,
  get sessionId() {
    return callOr("sessionId", () => "")();
  },
  /** Begins, or goes on after ``pause``. Needed only with ``autoStart: false``. */
  start: call("start"),
  pause: safely(() => current && current.pause()),
  flush: callOr("flush", nothing),
  /** Stops and sends the rest; ``start`` would begin again. */
  stop: callOr("stop", nothing),
  identify: call("setUser"),
  setTags: call("setTags"),
  capture: callOr("capture", () => ""),
  mark: safely((label, data) => (current && current.mark("custom", String(label), data ? { extra: data } : {})) || ""),
  addBreadcrumb: safely((message, data) => current && current.breadcrumbs.add("custom", String(message), data)),
  receipt: callOr("receipt", () => null),
};

/** For ``<script src="…/sdk.js" data-key="…" data-site="…">``: each ``data-`` attribute is the option of that name. */
export function startFromScriptTag(script) {
  safely(() => {
    const given = { ...((script && script.dataset) || {}) };
    const options = {};
    if (script && script.src) options.apiBaseUrl = new URL(script.src).origin;
    for (const name of Object.keys(given)) {
      const option = { key: "apiKey", api: "apiBaseUrl" }[name] || name;
      const like = typeof DEFAULTS[option];
      if (like === "number") options[option] = Number(given[name]);
      else if (like === "boolean") options[option] = given[name] !== "false";
      else if (like === "string") options[option] = given[name];
    }
    if (!page.retrospec) page.retrospec = retrospec;
    if (options.apiKey) initRetrospec(options);
  })();
}
