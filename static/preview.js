// The filmstrip of the issue one points at or walks to, beside the list: fetched when one stays, and never twice.
const STAY_MS = 350;
const known = new Map();
let timer = 0;
let shown = null;

function card() {
  let found = document.querySelector(".preview");
  if (!found) {
    found = document.createElement("aside");
    found.className = "preview card";
    found.setAttribute("aria-hidden", "true");
    found.hidden = true;
    document.body.append(found);
  }
  return found;
}

function hide() {
  clearTimeout(timer);
  shown = null;
  card().hidden = true;
}

async function show(row) {
  const url = row.dataset.preview;
  if (!known.has(url)) {
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    known.set(url, await answer.text());
  }
  if (shown !== row || !row.isConnected) return;
  const box = card();
  box.innerHTML = known.get(url);
  box.hidden = false;
  const place = row.getBoundingClientRect();
  const high = box.offsetHeight;
  const below = place.bottom + 8;
  box.style.top = `${below + high < innerHeight ? below : Math.max(8, place.top - high - 8)}px`;
  box.style.left = `${Math.min(place.left + 48, innerWidth - box.offsetWidth - 16)}px`;
}

function wait(row) {
  if (row === shown) return;
  hide();
  if (!row?.dataset.preview || document.querySelector(".pick:checked")) return;
  shown = row;
  timer = setTimeout(() => show(row), STAY_MS);
}

if (document.querySelector("#issues-live") && matchMedia("(hover: hover) and (min-width: 60rem)").matches) {
  document.addEventListener("mouseover", (event) => wait(event.target.closest?.(".row-main")?.closest(".row")));
  document.addEventListener("focusin", (event) => wait(event.target.matches(".row-title:focus-visible") ? event.target.closest(".row") : null));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  // a row that is walked to scrolls into view while its preview waits: only one that is shown goes
  addEventListener("scroll", () => document.querySelector(".preview:not([hidden])") && hide(), { passive: true });
}
