// The stage: one recording rebuilt in one sandboxed frame, moved from instant to instant by the renderer.
// Evaluated by the browser's debugger, so the page's own policy can forbid every script.
(() => {
  "use strict";

  // What moves by the wall clock would differ from run to run; animations are set to the replay's own time instead.
  // Hit tests must see what is drawn, also where a page lets clicks through.
  const STILL = [
    "*, *::before, *::after { transition: none !important; scroll-behavior: auto !important; caret-color: transparent !important }",
    "* { pointer-events: auto !important }",
  ];
  const SETTLE_MS = 400;
  const VAULT_MS = 2_000;
  const MOST_PICTURES = 200;
  const MOST_ELEMENTS = 4_000;

  // Sources 1, 2, 6, 12: pointer and touch. 100 above an event type: load marks, custom and plugin events.
  const POINTER_ONLY = new Set([1, 2, 6, 12, 100, 101, 105, 106]);

  class Stage {
    constructor() {
      this.replayer = null;
      this.queue = [];
      this.broken = 0;
      this.born = new WeakMap();
      this.hover = false;
      this.hoverRules = null;
      this.hoverHits = [];
      this.vault = ""; // where the asset vault answers; empty where this recording has nothing in it
    }

    open(hover) {
      this.close();
      this.hover = hover;
      this.hoverRules = null;
      this.hoverHits = [];
      this.replayer = new rrwebReplay.Replayer([{ type: 5, timestamp: 0, data: { tag: "", payload: {} } }], {
        liveMode: true,
        mouseTail: false,
        pauseAnimation: false,
        useVirtualDom: false,
        triggerFocus: hover,
        showWarning: false,
        insertStyleRules: STILL,
      });
      // For judging, what only answers the pointer would look like an effect: hover, focus and selections stay out.
      if (!hover) this.replayer.hoverElements = this.replayer.applySelection = () => {};
      this.replayer.iframe.style.display = "inherit";
    }

    // By a transform alone: layout, hit tests and media queries inside stay as recorded.
    shrink(scale) {
      document.body.style.setProperty("--shrunk", scale < 1 ? `scale(${scale})` : "none");
    }

    close() {
      this.queue = [];
      this.broken = 0;
      this.born = new WeakMap();
      if (!this.replayer) return;
      try {
        this.replayer.destroy();
      } catch {
        document.body.replaceChildren();
      }
      this.replayer = null;
    }

    feed(entries) {
      for (const entry of entries) this.queue.push(entry);
    }

    get page() {
      return this.replayer.iframe.contentDocument;
    }

    async seek(t) {
      let cut = 0;
      while (cut < this.queue.length && this.queue[cut][0] <= t) cut++;
      let rebuilt = false;
      let stirred = false;
      for (const [, event] of this.queue.splice(0, cut)) {
        rebuilt = rebuilt || event.type === 2;
        stirred = stirred || !POINTER_ONLY.has(event.type === 3 ? event.data.source : event.type + 100);
        this.apply(event);
      }
      this.replayer.emitter.emit("flush");
      await this.settle(rebuilt);
      const hovered = this.hover ? this.hoverStirs(stirred) : false;
      return { moving: this.setClocks(t), stirred: stirred || hovered };
    }

    // Whether the pointer entered or left something that a stylesheet draws differently under it.
    hoverStirs(stirred) {
      if (stirred || this.hoverRules === null) this.hoverRules = hoverSelectors(this.page);
      const hit = this.hoverRules ? [...this.page.querySelectorAll(this.hoverRules)] : [];
      const same = hit.length === this.hoverHits.length && hit.every((element, index) => element === this.hoverHits[index]);
      this.hoverHits = hit;
      return !same;
    }

    apply(event) {
      // A frame's document is often recorded twice under one number, empty and then loaded: the replayer would keep the empty one.
      if (event.type === 3 && event.data.isAttachIframe) this.forgetDocuments(event.data.adds || []);
      try {
        this.replayer.applyEventsSynchronously([event]);
      } catch {
        this.broken++;
      }
    }

    forgetDocuments(adds) {
      const mirror = this.replayer.getMirror();
      for (const { node } of adds) {
        const known = node && mirror.getNode(node.id);
        if (known) mirror.removeNodeFromMap(known);
      }
    }

    // Pictures and fonts of the recording are loaded and decoded off the main thread: wait for them, not for ever.
    async settle(rebuilt) {
      const waits = this.vault ? this.awaitedFromVault(rebuilt) : [];
      const fonts = this.page.fonts;
      if (rebuilt || (fonts && fonts.status === "loading")) waits.push(fonts.ready);
      for (const image of this.page.images) {
        if (!image.complete && image.currentSrc.startsWith("data:")) waits.push(image.decode().catch(() => {}));
      }
      if (!waits.length) return;
      await Promise.race([Promise.all(waits), new Promise((done) => setTimeout(done, this.vault ? VAULT_MS : SETTLE_MS))]);
    }

    // A stylesheet first: what it names is only known once it is there. Then pictures, those of backgrounds too.
    awaitedFromVault(rebuilt) {
      const page = this.page;
      const isOurs = (url) => url.startsWith(this.vault);
      const sheets = [...page.querySelectorAll("link[rel~=stylesheet]")].filter((link) => isOurs(link.href) && !link.sheet);
      const loaded = sheets.map((link) => new Promise((done) => ["load", "error"].forEach((name) => link.addEventListener(name, done))));
      const pictures = async () => {
        await Promise.all(loaded);
        const urls = new Set();
        for (const image of page.images) if (!image.complete && isOurs(image.currentSrc || image.src)) urls.add(image.currentSrc || image.src);
        if (rebuilt || loaded.length) collectBackgrounds(page, this.vault, urls);
        const decoded = [...urls].slice(0, MOST_PICTURES).map((url) => {
          const picture = new Image();
          picture.src = url;
          return picture.decode().catch(() => {});
        });
        await Promise.all([...decoded, page.fonts.ready]);
      };
      return [pictures()];
    }

    // Whether something in view is still moving by itself.
    setClocks(t) {
      let moving = false;
      for (const root of documents(this.page)) {
        for (const animation of root.getAnimations ? root.getAnimations() : []) {
          if (!this.born.has(animation)) this.born.set(animation, t);
          try {
            animation.pause();
            animation.currentTime = t - this.born.get(animation);
          } catch {
            continue;
          }
          const end = animation.effect ? animation.effect.getComputedTiming().endTime : 0;
          if (animation.currentTime < end) moving = true;
        }
      }
      return moving;
    }

    facts() {
      return retrospecFacts.read(this.page, this.replayer.getMirror());
    }

    point(nodeId, x, y) {
      return retrospecFacts.point(this.page, this.replayer.getMirror(), nodeId, x, y);
    }
  }

  // Asking for the computed style also starts what the page itself would load.
  function collectBackgrounds(page, vault, urls) {
    let left = MOST_ELEMENTS;
    for (const element of page.querySelectorAll("*")) {
      if (left-- === 0) return;
      for (const pseudo of [undefined, "::before", "::after"]) {
        const style = page.defaultView.getComputedStyle(element, pseudo);
        for (const name of ["backgroundImage", "listStyleImage", "content", "borderImageSource", "maskImage"]) {
          const value = style[name];
          if (value && value.includes(vault)) for (const [, url] of value.matchAll(/url\("([^"]+)"\)/g)) if (url.startsWith(vault)) urls.add(url);
        }
      }
    }
  }

  // The replayer spells :hover as a class of that name, beside the rule itself.
  function hoverSelectors(page) {
    const found = [];
    for (const sheet of page.styleSheets) {
      try {
        collectHover(sheet.cssRules, found);
      } catch {
        continue; // a sheet that may not be read holds nothing that was recorded
      }
    }
    const joined = found.join(",");
    try {
      page.querySelector(joined || "x");
      return joined;
    } catch {
      return ".\\:hover";
    }
  }

  function collectHover(rules, found) {
    for (const rule of rules) {
      if (rule.selectorText && rule.selectorText.includes("\\:hover")) found.push(...rule.selectorText.split(",").filter((part) => part.includes("\\:hover")));
      else if (rule.cssRules) collectHover(rule.cssRules, found);
    }
  }

  function* documents(root) {
    yield root;
    for (const frame of root.querySelectorAll("iframe")) {
      if (frame.contentDocument) yield* documents(frame.contentDocument);
    }
  }

  globalThis.retrospecStage = new Stage();
})();
