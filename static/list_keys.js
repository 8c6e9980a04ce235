// Lists by keyboard: j and k walk, o opens, x ticks, m gives the ticked ones to the menu of actions, / searches, ? shows all this.
const KEYS = [
  ["j", "next"], ["k", "previous"], ["o", "open"], ["x", "tick"], ["m", "what to do with the ticked ones"], ["/", "search"], ["Esc", "untick, leave"], ["?", "these keys"],
];

const titles = () => [...document.querySelectorAll(".list .row-title")];
const current = () => document.activeElement?.closest?.(".row")?.querySelector(".row-title");

function walk(step) {
  const rows = titles();
  if (!rows.length) return;
  const here = rows.indexOf(current());
  const next = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + step, 0), rows.length - 1)];
  next.focus({ preventScroll: true });
  next.closest(".row").scrollIntoView({ block: "nearest" });
}

function tick() {
  const box = current()?.closest(".row").querySelector(".pick");
  if (box) box.click();
}

function showKeys() {
  let dialog = document.querySelector("dialog.keys-help");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys-help card";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const rows = KEYS.map(([key, does]) => `<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`).join("");
    dialog.innerHTML = `<h2 id="keys-title">Keys</h2><dl>${rows}</dl><form method="dialog"><button class="button">Close</button></form>`;
    document.body.append(dialog);
  }
  dialog.showModal();
}

function untick() {
  for (const box of document.querySelectorAll(".pick:checked")) box.click();
}

const actions = {
  j: () => walk(1),
  k: () => walk(-1),
  o: () => current()?.click(),
  x: tick,
  m: () => document.querySelector(".pick:checked") && document.querySelector("#bulk button")?.focus(),
  Escape: untick,
};

function search(event) {
  const field = document.querySelector("main input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

// "/" works on every page; the rest where there is a list.
export function wireKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not(.pick), textarea, select")) {
      if (event.key === "Escape" && event.target.type === "search") event.target.blur();
      return;
    }
    if (event.key === "/") return search(event);
    if (!document.querySelector(".list .row-title")) return;
    if (event.key === "?") return showKeys();
    const act = actions[event.key];
    if (!act) return;
    if (event.key !== "Escape") event.preventDefault();
    act();
  });
}
