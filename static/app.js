// Every page: live parts, search as you type, theme, copy buttons, times. Each page works without it.
import { tellTimes } from "./times.js";

const LONGEST_WAIT_S = 120;

// Live parts ask for their successor while somebody can see them. The server answers 204 when nothing is new.
const waits = new Map();

function refreshDue() {
  for (const part of document.querySelectorAll("[data-live]")) {
    const wait = waits.get(part.id) ?? { due: Date.now() + part.dataset.live * 1000, failures: 0 };
    waits.set(part.id, wait);
    const isBusy = part.contains(document.activeElement) && document.activeElement.matches("select, textarea, input");
    const isPicking = part.querySelector(".pick:checked") !== null;
    if (document.hidden || isBusy || isPicking || Date.now() < wait.due) continue;
    wait.due = Date.now() + Math.min(part.dataset.live * 2 ** wait.failures, LONGEST_WAIT_S) * 1000;
    part.dispatchEvent(new CustomEvent("refresh"));
  }
}

function noteAnswer(event, isFailure) {
  const wait = waits.get(event.target.id);
  if (wait) wait.failures = isFailure ? wait.failures + 1 : 0;
}

setInterval(refreshDue, 500);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const wait of waits.values()) wait.due = 0;
  refreshDue();
});
document.addEventListener("htmx:afterRequest", (event) => noteAnswer(event, !event.detail.successful));

// Filters: a change asks at once, typing after a short rest. Without scripts their button does it.
const RESTING_MS = 220;
for (const form of document.querySelectorAll("[data-filters]")) wireFilters(form);
document.addEventListener("htmx:afterSettle", (event) => {
  for (const form of event.target.parentElement?.querySelectorAll("[data-filters]") ?? []) wireFilters(form);
});

function wireFilters(form) {
  if (form.dataset.wired) return;
  form.dataset.wired = "yes";
  let resting = 0;
  const ask = () => {
    form.setAttribute("hx-get", location.pathname);
    form.dispatchEvent(new CustomEvent("filter"));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  form.addEventListener("change", ask);
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(resting);
    resting = setTimeout(ask, RESTING_MS);
  });
}
// Empty fields stay out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("[data-filters]")) return;
  for (const [name, value] of [...event.detail.formData.entries()]) if (value === "") event.detail.formData.delete(name);
});

// Theme: at once, and kept in the cookie the server reads.
for (const form of document.querySelectorAll("[data-themes]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = event.submitter.value;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `retrospec_theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
    document.documentElement.dataset.theme = theme;
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === theme);
  });
}

// Copy buttons appear where copying works.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const name = button.querySelector("span");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.closest("[data-copyable]").querySelector("code").textContent);
    name.textContent = "Copied";
    setTimeout(() => (name.textContent = "Copy"), 1600);
  });
}

// Menus close on Escape and on a click elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.switch[open], details.confirm[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.switch[open], details.confirm[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// "/" goes to the search.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
  const search = document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

setInterval(() => tellTimes(document), 15_000);
