// The Session page by keyboard; what each key does stands behind the "?" beside the speed.
const STEP_MS = 5000;
const byId = (id) => document.getElementById(id);

export function watchKeys(watch) {
  const keys = {
    ArrowLeft: () => watch.seek(watch.now() - STEP_MS),
    ArrowRight: () => watch.seek(watch.now() + STEP_MS),
    ",": () => watch.stepFrame(-1),
    ".": () => watch.stepFrame(1),
    n: () => watch.nextFailure(),
    p: () => watch.previousFailure(),
    "<": () => watch.changeSpeed(-1),
    ">": () => watch.changeSpeed(1),
    i: () => byId("skip-idle").click(),
    f: () => byId("full").click(),
    k: () => watch.toggle(),
    "[": () => follow("earlier"),
    "]": () => follow("later"),
    "?": () => (byId("keys").open = !byId("keys").open),
    Escape: () => (byId("keys").open = false),
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, [role=tab]") || event.metaKey || event.ctrlKey || event.altKey) return;
    const action = keys[event.key] ?? (event.key === " " && !event.target.closest("a, button, summary") ? keys.k : null);
    if (!action || !watch.from) return void (action && "[]?".includes(event.key) && action());
    if (event.key !== "Escape") event.preventDefault();
    action();
  });
}

function follow(which) {
  document.querySelector(`[data-neighbour="${which}"]`)?.click();
}
