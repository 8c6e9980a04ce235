// What the replayed page's own structure says: text in view, spinners, dialogs, refused fields, what was clicked.
// Reads only; boxes are CSS pixels of the outermost viewport.
(() => {
  "use strict";

  const MOST_TEXT_NODES = 30000;
  const MOST_LINES = 300;
  const MOST_ELEMENTS = 60000;

  const ERRORISH = /(^|[-_\s])(errors?|err|alerts?|toasts?|notif\w*|snack\w*|danger|invalid|fail\w*|warn\w*|feedback|flash|problem)([-_\s]|$)|error|toast|snackbar|alert/i;
  const SPINNERISH = /(^|[-_\s])(spinner|loading|loader|skeleton|shimmer|progress-circular|busy|throbber)([-_\s]|$)|spinner|skeleton/i;
  const AREAS = { CANVAS: "canvas", VIDEO: "video", OBJECT: "frame", EMBED: "frame" };

  function box(rect, dx, dy) {
    return {
      x: Math.round(rect.left + dx),
      y: Math.round(rect.top + dy),
      width: Math.round(rect.width),
      height: Math.round(rect.height),
    };
  }

  function inView(rect, view) {
    const wide = Math.min(rect.right, view.innerWidth) - Math.max(rect.left, 0);
    const high = Math.min(rect.bottom, view.innerHeight) - Math.max(rect.top, 0);
    return wide >= Math.min(4, rect.width) && high >= Math.min(4, rect.height) && rect.width >= 1 && rect.height >= 1;
  }

  function drawn(element) {
    if (!element.checkVisibility) return true;
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  }

  function parentOf(node) {
    return node.parentElement || (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  }

  function channels(color) {
    const numbers = (color.match(/[\d.]+/g) || []).map(Number);
    return numbers.length < 3 ? null : [numbers[0], numbers[1], numbers[2], numbers.length > 3 ? numbers[3] : 1];
  }

  // Red enough to warn: the red channel leads and the hue is neither orange nor pink-grey.
  function warns(color) {
    const rgba = channels(color);
    if (!rgba || rgba[3] < 0.3) return false;
    const [red, green, blue] = rgba;
    return red >= 120 && red - Math.max(green, blue) >= 70 && green < 110 + (red - 200) / 2 && blue < 150;
  }

  // A pale red ground, as behind alerts.
  function tints(color) {
    const rgba = channels(color);
    if (!rgba || rgba[3] < 0.3) return false;
    const [red, green, blue] = rgba;
    return warns(color) || (red > 235 && red - green >= 14 && red - blue >= 12 && Math.abs(green - blue) < 22);
  }

  function solid(style) {
    const rgba = channels(style.backgroundColor);
    return (rgba && rgba[3] > 0.5) || style.backgroundImage !== "none";
  }

  const OPAQUE_TAGS = new Set(["IMG", "CANVAS", "VIDEO", "IFRAME", "OBJECT"]);

  function related(one, other) {
    return one === other || one.contains(other) || other.contains(one);
  }

  function covered(element, rect, view) {
    const x = Math.min(Math.max((rect.left + rect.right) / 2, 1), view.innerWidth - 2);
    const y = Math.min(Math.max((rect.top + rect.bottom) / 2, 1), view.innerHeight - 2);
    const root = element.getRootNode();
    for (const top of (root.elementsFromPoint ? root : element.ownerDocument).elementsFromPoint(x, y)) {
      if (related(top, element)) return false;
      if (OPAQUE_TAGS.has(top.tagName) || solid(view.getComputedStyle(top))) return true;
    }
    return false;
  }

  // Text whose colour nearly equals its ground cannot be read.
  function unreadable(element, view) {
    const ink = channels(view.getComputedStyle(element).color);
    if (!ink) return false;
    if (ink[3] < 0.1) return true;
    for (let up = element; up; up = parentOf(up)) {
      const style = view.getComputedStyle(up);
      if (style.backgroundImage !== "none") return false;
      const ground = channels(style.backgroundColor);
      if (ground && ground[3] > 0.9) return ink.slice(0, 3).every((part, index) => Math.abs(part - ground[index]) < 14);
    }
    return false;
  }

  // Walks text, shadow roots and frames in document order.
  function* texts(node) {
    for (let child = node.firstChild; child; child = child.nextSibling) {
      if (child.nodeType === 3) yield child;
      else if (child.nodeType === 1 && !/^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|TITLE)$/.test(child.tagName)) {
        if (child.shadowRoot) yield* texts(child.shadowRoot);
        yield* texts(child);
      }
    }
  }

  const INLINE = /^(inline|contents)$/;

  // The nearest ancestor drawn as a block: its text is one line of ours.
  function blockOf(element, view) {
    let block = element;
    while (INLINE.test(view.getComputedStyle(block).display) && parentOf(block)) block = parentOf(block);
    return block;
  }

  function describe(element, view) {
    const told = { red: false, live: false, marked: false };
    for (let up = element, depth = 0; up && depth < 4; up = parentOf(up), depth++) {
      const style = view.getComputedStyle(up);
      const ground = up === element || up.textContent.length < 400;
      if (depth === 0 && warns(style.color)) told.red = true;
      if (ground && (tints(style.backgroundColor) || (parseFloat(style.borderLeftWidth) > 0 && warns(style.borderLeftColor)))) {
        told.red = true;
      }
      if (/^(alert|alertdialog)$/.test(up.getAttribute("role") || "") || up.getAttribute("aria-live") === "assertive") told.live = true;
      const names = `${typeof up.className === "string" ? up.className : ""} ${up.id}`;
      if (ground && !/^(BODY|HTML|MAIN)$/.test(up.tagName) && ERRORISH.test(names)) told.marked = true;
    }
    return told;
  }

  function either(one, other) {
    return { red: one.red || other.red, live: one.live || other.live, marked: one.marked || other.marked };
  }

  function readLines(page, mirror, offset, facts, budget) {
    const view = page.defaultView;
    const blocks = new Map();
    for (const text of texts(page.body || page.documentElement)) {
      if (budget.texts-- <= 0) {
        facts.cut = true;
        break;
      }
      const parent = parentOf(text) || (text.parentNode && text.parentNode.host);
      const words = text.data.trim();
      if (!words || !parent) continue;
      const rect = parent.getBoundingClientRect();
      if (!inView(rect, view) || !drawn(parent)) continue;
      facts.textChars += words.length;
      const block = blockOf(parent, view);
      const line = blocks.get(block);
      if (line) line.words.push(words) && line.parents.add(parent);
      else if (blocks.size < MOST_LINES) blocks.set(block, { parents: new Set([parent]), words: [words] });
    }
    for (const [block, { parents, words }] of blocks) {
      const [parent] = parents;
      const rect = (block.contains(parent) ? parent : block).getBoundingClientRect();
      const hidden = covered(parent, rect, view) || unreadable(parent, view);
      facts.lines.push({
        nodeId: mirror.getId(block),
        text: words.join(" ").slice(0, 240),
        box: box(rect, offset.x, offset.y),
        covered: hidden,
        ...[...parents].map((part) => describe(part, view)).reduce(either),
      });
    }
  }

  function thingKind(element, style, view) {
    const tag = element.tagName;
    if (tag in AREAS) return AREAS[tag];
    if (tag === "IFRAME" && !(element.contentDocument && element.contentDocument.body && element.contentDocument.body.childNodes.length)) return "frame";
    if (tag === "IMG" && element.complete && element.naturalWidth === 0 && element.getAttribute("src")) return "image";
    if (element.hasAttribute("rr_width") || element.classList.contains("rr-block")) return "blocked";
    const role = element.getAttribute("role") || "";
    if ((tag === "DIALOG" && element.open) || role === "dialog" || role === "alertdialog") return "dialog";
    if (element.getAttribute("aria-invalid") === "true" || (/^(INPUT|SELECT|TEXTAREA)$/.test(tag) && ringed(style))) return "invalid";
    if (role === "progressbar" && !element.hasAttribute("aria-valuenow")) return "spinner";
    if (element.getAttribute("aria-busy") === "true") return "spinner";
    const names = `${typeof element.className === "string" ? element.className : ""} ${element.id}`;
    if (SPINNERISH.test(names) && !/^(BODY|HTML|MAIN)$/.test(tag)) return "spinner";
    if (style.animationIterationCount.includes("infinite") && style.animationName !== "none") {
      if (/spin|rotat|load|pulse|shimmer/i.test(style.animationName) || placeholder(element, style)) return "spinner";
    }
    return "";
  }

  // A refused field is ringed in red by its border, its outline or a shadow around it.
  function ringed(style) {
    if (parseFloat(style.borderTopWidth) > 0 && warns(style.borderTopColor)) return true;
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && warns(style.outlineColor)) return true;
    const shadow = style.boxShadow.match(/rgba?\([^)]*\)/);
    return shadow !== null && warns(shadow[0]);
  }

  // A filled area with nothing in it that never stops moving stands for something still to come, whatever its name.
  function placeholder(element, style) {
    const large = element.offsetWidth >= 24 && element.offsetHeight >= 8;
    return large && solid(style) && element.childElementCount === 0 && !element.textContent.trim();
  }

  function readThings(page, mirror, offset, facts, budget) {
    const view = page.defaultView;
    for (const element of everyElement(page.documentElement)) {
      if (budget.elements-- <= 0) {
        facts.cut = true;
        break;
      }
      const rect = element.getBoundingClientRect();
      if (!inView(rect, view)) continue;
      const style = view.getComputedStyle(element);
      if (style.visibility !== "visible") continue;
      facts.visibleElements++;
      const kind = thingKind(element, style, view);
      if (!kind || !drawn(element) || facts.things.length >= 120) continue;
      if (kind !== "dialog" && covered(element, rect, view)) continue;
      facts.things.push({ kind, nodeId: mirror.getId(element), box: box(rect, offset.x, offset.y), text: (element.textContent || "").trim().slice(0, 240) });
    }
  }

  function* everyElement(root) {
    if (!root) return;
    yield root;
    if (root.shadowRoot) for (const child of root.shadowRoot.children) yield* everyElement(child);
    for (let child = root.firstElementChild; child; child = child.nextElementSibling) yield* everyElement(child);
  }

  function readDocument(page, mirror, offset, facts, budget) {
    if (!page || !page.documentElement) return;
    readLines(page, mirror, offset, facts, budget);
    readThings(page, mirror, offset, facts, budget);
    for (const frame of page.querySelectorAll("iframe")) {
      const rect = frame.getBoundingClientRect();
      if (!frame.contentDocument || !inView(rect, page.defaultView) || !drawn(frame)) continue;
      readDocument(frame.contentDocument, mirror, { x: offset.x + rect.left, y: offset.y + rect.top }, facts, budget);
    }
  }

  function readFacts(page, mirror) {
    const facts = { visibleElements: 0, textChars: 0, lines: [], things: [], cut: false };
    readDocument(page, mirror, { x: 0, y: 0 }, facts, { texts: MOST_TEXT_NODES, elements: MOST_ELEMENTS });
    facts.scrollY = Math.round(page.defaultView.scrollY);
    facts.nodeCount = page.getElementsByTagName("*").length;
    return facts;
  }

  const CONTROLS = "a[href], button, input, select, textarea, summary, label, option, [role=button], [role=link], [role=tab], [role=menuitem], [role=option], [role=switch], [role=checkbox], [role=radio], [tabindex]:not([tabindex='-1'])";

  function readPoint(page, mirror, nodeId, x, y) {
    let node = mirror.getNode(nodeId);
    let element = node && (node.nodeType === 1 ? node : node.parentElement);
    if (!element || element === page.documentElement || element === page.body) element = page.elementFromPoint(x, y) || element;
    if (!element) return { found: false, nodeId };
    const view = element.ownerDocument.defaultView || page.defaultView;
    const control = element.closest(CONTROLS);
    const shown = control || element;
    const hand = /^(pointer|grab|grabbing|move|.*-resize)$/.test(view.getComputedStyle(element).cursor);
    const type = (shown.getAttribute("type") || "").toLowerCase();
    const href = shown.getAttribute("href") || "";
    return {
      found: true,
      nodeId: mirror.getId(shown),
      tag: shown.tagName.toLowerCase(),
      text: (shown.getAttribute("aria-label") || shown.textContent || shown.getAttribute("value") || "").trim().slice(0, 80),
      box: box(shown.getBoundingClientRect(), 0, 0),
      control: Boolean(control) || hand,
      editable: shown.isContentEditable || shown.tagName === "TEXTAREA" || (shown.tagName === "INPUT" && !/^(button|submit|checkbox|radio|image|reset|file|range|color)$/.test(type)),
      disabled: shown.matches(":disabled") || shown.getAttribute("aria-disabled") === "true",
      leadsAway: shown.getAttribute("target") === "_blank" || shown.hasAttribute("download") || /^(mailto|tel|sms):/i.test(href) || type === "file" || shown.tagName === "SELECT",
      blind: blindness(element),
    };
  }

  function blindness(element) {
    if (element.tagName in AREAS) return AREAS[element.tagName];
    if (element.tagName === "IFRAME") return "frame";
    return element.hasAttribute("rr_width") || element.closest(".rr-block") ? "blocked" : "";
  }

  globalThis.retrospecFacts = { read: readFacts, point: readPoint };
})();
