// Tabs over the panes beside the player. Without scripts the panes stand one below the other.

export function wirePanes(root) {
  const list = root.querySelector("[role=tablist]");
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const named = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
  let chosen = named() ?? tabs[0];

  function apply() {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      const pane = document.getElementById(tab.getAttribute("aria-controls"));
      if (pane) pane.hidden = !isChosen;
    }
  }

  function choose(tab) {
    chosen = tab;
    apply();
  }

  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(tabs[(tabs.indexOf(chosen) + step + tabs.length) % tabs.length]);
    chosen.focus();
  });
  document.addEventListener("htmx:afterSwap", apply); // a live part came anew, with every pane showing
  addEventListener("hashchange", () => named() && choose(named()));
  list.hidden = false;
  root.dataset.panes = "on";
  apply();
}
