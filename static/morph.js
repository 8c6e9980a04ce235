// hx-swap="morph": a part becomes its successor while what stayed the same stays the same element, so that focus,
// selection, open menus, ticks and the scroll position are as they were. A script of its own, before htmx wakes.
(() => {
  const isSame = (one, other) =>
    one.nodeType === other.nodeType && (one.nodeType !== 1 || (one.localName === other.localName && one.id === other.id));

  function morphAttributes(from, to) {
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !(name === "open" && from.localName === "details") && !name.startsWith("data-kept")) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }

  function morph(from, to) {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== 1) {
      from.nodeValue = to.nodeValue;
      return;
    }
    morphAttributes(from, to);
    const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
    for (const child of [...from.children]) if (child.id && !wanted.has(child.id)) child.remove();
    const known = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = from.firstChild;
    for (const next of [...to.childNodes]) {
      const found = next.id && known.has(next.id) ? known.get(next.id) : at && !at.id && isSame(at, next) ? at : null;
      if (!found || !isSame(found, next)) {
        from.insertBefore(next, at);
        continue;
      }
      if (found === at) at = at.nextSibling;
      else from.insertBefore(found, at);
      morph(found, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function become(target, next) {
    const held = document.activeElement;
    morph(target, next);
    if (held && held !== document.activeElement && held.isConnected) held.focus({ preventScroll: true });
  }

  // Rows that came since: where somebody reads further down they wait behind a button.
  function fresh(target, next) {
    const known = new Set([...target.querySelectorAll("li.row[id]")].map((row) => row.id));
    return known.size ? [...next.querySelectorAll("li.row[id]")].filter((row) => !known.has(row.id)).length : 0;
  }

  function offer(target, next, count) {
    let pill = document.querySelector(".fresh-pill");
    if (!pill) {
      pill = document.createElement("button");
      pill.type = "button";
      pill.className = "fresh-pill button primary";
      document.querySelector("main").append(pill);
    }
    pill.textContent = `${count} new`;
    pill.onclick = () => {
      pill.remove();
      become(target, next);
      htmx.process(target);
      scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
    };
  }

  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap(style, target, fragment) {
      if (style !== "morph") return false;
      const next = fragment.firstElementChild;
      if (!next) return [];
      const isByItself = target.dataset.keptAsking === "yes";
      const count = isByItself && scrollY > 160 ? fresh(target, next) : 0;
      if (count) {
        offer(target, next, count);
        return [];
      }
      document.querySelector(".fresh-pill")?.remove();
      become(target, next);
      return [target];
    },
  });
})();
