"""Visits in which something went wrong, on pages of other styles than those the detectors were built on.

Written and recorded after the detectors were frozen, by somebody who had not read them: frameworks' habits (delegated
events, re-rendering, portals, custom elements, error boundaries), toasts that vanish, routers.
"""

from playwright.async_api import Page

from tests.analysis.corpus.scenarios import Shelf, clicks, pause

BLIND_FAULTS = Shelf()
fault = BLIND_FAULTS.add

RENDER = """<div id="root"></div><script>
const state = {}; const on = {};
const root = document.getElementById("root");
function set(change) { Object.assign(state, change); queueMicrotask(draw); }
function draw() { root.innerHTML = view(state); }
root.addEventListener("click", (event) => { const made = event.target.closest("[data-on]"); if (made) on[made.dataset.on](event); });
</script>"""
"""A small runtime as component frameworks have it: one listener at the root, state in, markup out."""


@fault("blind-state-throws", "blind", RENDER + """<script>
const view = (s) => `<section><h2>Voucher</h2><div class="row"><input placeholder="Code"><button class="Button_root__x1" data-on="apply"><span class="Button_label__q">Apply voucher</span></button></div></section>`;
on.apply = () => set({ total: state.basket.total - 5 }); draw();</script>""", "exceptions error_clicks unresponsive", "rage_clicks")
async def _(page: Page) -> None:
    await pause(page, 900)
    await page.fill("input", "SPRING")
    await clicks(page, "[data-on=apply]", 2, 1400)
    await pause(page, 4000)


@fault("blind-error-boundary", "blind", RENDER + """<script>
const view = (s) => { if (s.open) { return `<div class="fallback"><h2>Something went wrong.</h2><p>Reload the page to carry on.</p></div>` } return `<h2>Reports</h2><p>Four reports this week</p><button data-on="open">Open weekly report</button>` };
on.open = () => { set({ open: true }); throw new RangeError("Invalid time value") }; draw();</script>""", "exceptions errors_shown", "error_clicks")
async def _(page: Page) -> None:
    await pause(page, 1000)
    await clicks(page, "[data-on=open]", 1)
    await pause(page, 6000)


@fault("blind-like-rolled-back", "blind", RENDER + """<script>
const view = (s) => `<article><h2>Ferns of the north</h2><button aria-pressed="${!!s.liked}" data-on="like">${s.liked ? "♥ 13" : "♡ 12"}</button></article>${s.toast ? `<div class="Toastify__toast"><div role="alert">${s.toast}</div></div>` : ""}`;
on.like = async () => { set({ liked: true }); const r = await fetch("/api/500?ms=700", { method: "POST" });
  if (!r.ok) { set({ liked: false, toast: "Couldn't save that. Please try again." }); setTimeout(() => set({ toast: "" }), 2500) } }; draw();</script>""", "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "[data-on=like]", 1)
    await pause(page, 6500)


@fault("blind-custom-element-dead", "blind", """<h1>Membership</h1><p>Ends on 3 May</p><x-button role="button" tabindex="0">Renew for a year</x-button><script>
customElements.define("x-button", class extends HTMLElement { connectedCallback() { this.style.cssText = "display:inline-block;padding:8px 16px;border:1px solid;cursor:pointer" } });</script>""", "rage_clicks unresponsive")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "x-button", 4, 300)
    await pause(page, 4500)


@fault("blind-portal-confirm-dead", "blind", """<main id="app"><h1>Projects</h1><ul><li>Atlas <button id="del" aria-label="Delete Atlas">🗑</button></li><li>Borea</li></ul></main><div id="portals"></div><script>
del.onclick = () => { portals.innerHTML = `<div class="backdrop"><div role="dialog" aria-modal="true" aria-labelledby="t"><h2 id="t">Delete “Atlas”?</h2><p>This can't be undone.</p><button id="no">Keep it</button><button id="yes">Delete project</button></div></div>`;
  no.onclick = () => portals.innerHTML = ""; };</script>""", "unresponsive", "rage_clicks")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#del", 1)
    await pause(page, 1500)
    await clicks(page, "#yes", 2, 1700)
    await pause(page, 4500)


@fault("blind-route-chunk-missing", "blind", """<nav><a href="/app/" id="home">Home</a> <a href="/app/billing" id="billing">Billing</a></nav><main id="view"><h1>Home</h1><p>Welcome back.</p></main><script>
billing.onclick = (event) => { event.preventDefault(); import("/app/assets/billing-4f1c.js").then((m) => m.show()) };
home.onclick = (event) => event.preventDefault();</script>""", "exceptions unresponsive", "failed_requests error_clicks rage_clicks")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#billing", 2, 1800)
    await pause(page, 4500)


@fault("blind-submit-overlay-stays", "blind", """<h1>Transfer</h1><form id="f"><label>Amount <input name="amount" inputmode="decimal"></label><button>Send money</button></form><script>
f.onsubmit = (event) => { event.preventDefault(); document.body.insertAdjacentHTML("beforeend", `<div class="overlay" style="position:fixed;inset:0;background:#fffc"><div class="mat-progress-spinner" role="progressbar"></div><p>Please wait…</p></div>`); fetch("/api/200?ms=60000") };</script>""", "endless_spinners", "failed_requests")
async def _(page: Page) -> None:
    await pause(page, 800)
    await page.fill("input", "40")
    await clicks(page, "button", 1)
    await pause(page, 14000)
    await page.mouse.move(60, 90)
    await pause(page, 3000)


@fault("blind-ajax-banner", "blind", """<div class="container"><h1>Guest book</h1><textarea id="t"></textarea><br><a href="#" class="btn btn-primary" id="post">Post</a><div id="msgs"></div></div><script>
document.querySelector("#post").addEventListener("click", function (e) { e.preventDefault(); fetch("/api/502?ms=250", { method: "POST" }).then(function (r) {
  if (r.status !== 200) { var d = document.createElement("div"); d.className = "alert alert-danger alert-dismissible fade show"; d.innerHTML = "<strong>Server error (502).</strong> Your entry was not posted."; document.querySelector("#msgs").appendChild(d) } }) });</script>""", "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 800)
    await page.fill("#t", "Lovely place")
    await clicks(page, "#post", 1)
    await pause(page, 5500)


PROMO = {
    "": """<h1>Your order</h1><form id="f" novalidate><div class="field"><label for="c">Promo code</label><input id="c" name="code"><span class="hint" id="h" aria-live="polite"></span></div><button>Use code</button></form><p><a href="/app/home" id="out">Back to the shop</a></p><script>
f.onsubmit = async (e) => { e.preventDefault(); await fetch("/api/422?ms=200", { method: "POST" }); c.setAttribute("aria-invalid", "true"); c.classList.add("is-invalid"); h.className = "invalid-feedback"; h.textContent = "That code is not valid for your basket." };</script>""",
    "home": "<h1>Shop</h1><p>Teas and cups</p>",
}


@fault("blind-code-refused-and-left", "blind", PROMO, "refusals", "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 800)
    for code in ("SPRING", "SPRING24", "spring"):
        await page.fill("#c", code)
        await clicks(page, "button", 1, 1300)
    await page.click("#out")
    await pause(page, 4000)


@fault("blind-route-draws-nothing", "blind", """<div id="app"><header><a href="/app/team" id="team">Team</a></header><h1>Overview</h1><p>Nine people online</p></div><script>
team.onclick = (e) => { e.preventDefault(); history.pushState({}, "", "/app/team"); app.replaceChildren(); const people = null; app.append(...people.map((p) => p.name)) };</script>""", "exceptions blank_pages", "error_clicks")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#team", 1)
    await pause(page, 3500)
    await page.mouse.move(90, 60)
    await pause(page, 2500)


@fault("blind-new-version-loop", "blind", """<h1>Inbox</h1><p>3 messages</p><script>
const seen = +(sessionStorage.getItem("seen") || 0); sessionStorage.setItem("seen", seen + 1); if (seen < 5) setTimeout(() => location.replace(location.href), 900);</script>""", "reload_loops")
async def _(page: Page) -> None:
    await pause(page, 9000)


@fault("blind-offline-toast", "blind", """<h1>Shopping list</h1><label>Item <input id="i"></label><button id="add">Add</button><ul id="l"></ul><div id="snack" class="mdc-snackbar"></div><script>
add.onclick = () => fetch("http://sync.localhost/items", { method: "POST" }).then(() => l.append(i.value)).catch(() => { snack.innerHTML = `<div class="mdc-snackbar__surface" role="status"><div class="mdc-snackbar__label">Connection lost. Your item could not be saved.</div></div>`; setTimeout(() => snack.innerHTML = "", 3000) });</script>""", "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 800)
    await page.fill("#i", "Oats")
    await clicks(page, "#add", 1)
    await pause(page, 6500)


@fault("blind-invoice-500", "blind", """<h1>Invoices</h1><table><tr><td>May</td><td><button class="icon" id="d" title="Get the May invoice">⭳</button></td></tr></table><script>
d.onclick = async () => { const r = await fetch("/api/500?ms=400"); if (r.ok) location.href = URL.createObjectURL(await r.blob()) };</script>""", "failed_requests", "unresponsive rage_clicks")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#d", 2, 1800)
    await pause(page, 4500)


@fault("blind-watcher-throws-late", "blind", """<h1>Seats</h1><div id="plan"><button class="seat" data-n="4">4</button><button class="seat" data-n="5">5</button></div><p id="sum">Choose a seat</p><script>
plan.addEventListener("click", (e) => { const seat = e.target.closest(".seat"); if (!seat) return; Promise.resolve().then(() => setTimeout(() => { sum.textContent = prices[seat.dataset.n].toFixed(2) }, 350)) });</script>""", "exceptions error_clicks unresponsive", "rage_clicks")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "[data-n='5']", 1)
    await pause(page, 5000)


@fault("blind-menu-item-dead", "blind", """<header><button id="m" aria-haspopup="menu" aria-expanded="false">Account ▾</button><ul id="menu" role="menu" hidden><li role="menuitem" tabindex="-1" id="p">Profile</li><li role="menuitem" tabindex="-1" id="s">Switch workspace</li></ul></header><main><h1>Board</h1><p id="o">Two cards</p></main><script>
m.onclick = () => { menu.hidden = !menu.hidden; m.setAttribute("aria-expanded", String(!menu.hidden)) }; p.onclick = () => { o.textContent = "Your profile"; menu.hidden = true };</script>""", "rage_clicks unresponsive")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#m", 1, 900)
    await clicks(page, "#s", 3, 350)
    await pause(page, 4500)
