// Every page: search as you type, theme, copy buttons, menus, times. Each page works without it.
import "./live.js";
import "./preview.js";
import { wireKeys } from "./list_keys.js";
import { tellTimes } from "./times.js";

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
// What a view would keep is the address of now.
document.addEventListener("htmx:pushedIntoHistory", () => {
  for (const field of document.querySelectorAll("input[data-here]")) {
    field.value = location.search.slice(1);
    field.closest("details").hidden = !location.search;
  }
});
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
  const open = document.querySelector("details.switch[open], details.confirm[open], details.facet[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.switch[open], details.confirm[open], details.facet[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

wireKeys();
setInterval(() => tellTimes(document), 15_000);
