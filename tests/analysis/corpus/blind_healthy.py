"""Visits in which nothing went wrong, on pages of other styles than those the detectors were built on (see ``blind_faults``).

Three of them were judged wrongly at the first reading and taught the detectors something: they are of the dev half since.
"""

from playwright.async_api import Page

from tests.analysis.corpus.blind_faults import RENDER
from tests.analysis.corpus.scenarios import Shelf, clicks, pause

BLIND_HEALTHY = Shelf()
healthy = BLIND_HEALTHY.add


@healthy("blind-optimistic-like", "blind", RENDER + """<script>
const view = (s) => `<article><h2>Mosses</h2><button aria-pressed="${!!s.liked}" data-on="like">${s.liked ? "♥ 4" : "♡ 3"}</button></article>`;
on.like = () => { set({ liked: !state.liked }); fetch("/api/200?ms=500", { method: "POST" }) }; draw();</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "[data-on=like]", 1, 1500)
    await clicks(page, "[data-on=like]", 1)
    await pause(page, 4500)


@healthy("blind-virtual-list", "blind", """<h1>Log</h1><div id="v" style="height:240px;overflow:auto"><div style="height:40000px;position:relative" id="in"></div></div><aside id="d"></aside><script>
const rows = () => { const from = Math.floor(v.scrollTop / 24); let h = ""; for (let n = from; n < from + 12; n++) h += `<div class="row" data-n="${n}" style="position:absolute;top:${n * 24}px">Entry ${n}</div>`; document.getElementById("in").innerHTML = h }; v.onscroll = rows; rows();
v.onclick = (e) => { const row = e.target.closest(".row"); if (row) d.textContent = "Details of entry " + row.dataset.n };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    for y in (300, 900, 2400):
        await page.evaluate(f"v.scrollTop = {y}")
        await pause(page, 500)
    await clicks(page, ".row[data-n='103']", 1, 900)
    await clicks(page, ".row[data-n='104']", 1)
    await pause(page, 4500)


@healthy("blind-saved-toast", "blind", """<h1>Settings</h1><label><input type="checkbox" id="c"> Weekly mail</label><button id="s">Save</button><div id="t" aria-live="polite"></div><script>
s.onclick = async () => { await fetch("/api/200?ms=300", { method: "PUT" }); t.innerHTML = "<div class='toast show'>Your settings were saved.</div>"; setTimeout(() => t.innerHTML = "", 1800) };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.check("#c")
    await clicks(page, "#s", 1)
    await pause(page, 5000)


@healthy("blind-debounced-empty-search", "blind", """<h1>Find a plant</h1><input id="q" type="search" aria-label="Search"><div id="r"></div><script>
let timer, control; q.oninput = () => { clearTimeout(timer); timer = setTimeout(async () => { control?.abort(); control = new AbortController(); try { await fetch("/api/200?ms=600&q=" + q.value, { signal: control.signal }); r.innerHTML = q.value.length > 4 ? "<p>No results for your search. Check the spelling?</p>" : "<ul><li>Fern</li><li>Fennel</li></ul>" } catch (e) { if (e.name !== "AbortError") throw e } }, 300) };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.click("#q")
    await page.keyboard.type("fe", delay=80)
    await pause(page, 500)
    await page.keyboard.type("rnnn", delay=500)
    await pause(page, 4500)


@healthy("blind-router-round-trip", "blind", """<nav><a href="/app/a">Tables</a> <a href="/app/b">Chairs</a></nav><main id="v"><h1>Welcome</h1></main><script>
const show = () => { const name = location.pathname.endsWith("b") ? "Chairs" : location.pathname.endsWith("a") ? "Tables" : "Welcome"; document.title = name; v.innerHTML = `<h1>${name}</h1><p>All our ${name.toLowerCase()}</p>` };
document.querySelector("nav").onclick = (e) => { const a = e.target.closest("a"); if (a) { e.preventDefault(); history.pushState({}, "", a.href); show() } }; onpopstate = show;</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "nav a", 1, 4500)
    await page.click("nav a:nth-child(2)")
    await pause(page, 5000)
    await page.go_back()
    await pause(page, 5000)


@healthy("blind-lazy-modal", "blind", """<h1>Plans</h1><button id="b">Compare plans</button><div id="root2"></div><script>
b.onclick = () => { root2.innerHTML = `<div class="MuiBackdrop-root"><span class="MuiCircularProgress-root" role="progressbar"></span></div>`; setTimeout(() => { root2.innerHTML = `<div role="dialog" aria-label="Plans"><h2>Plans</h2><table><tr><td>Small</td><td>4 €</td></tr></table><button id="x">Close</button></div>`; x.onclick = () => root2.innerHTML = "" }, 1900) };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#b", 1, 4500)
    await clicks(page, "#x", 1)
    await pause(page, 4000)


@healthy("blind-cookie-banner", "blind", """<h1>News</h1><p>Rain in the west.</p><div id="cc" class="cookie-notice" role="dialog" aria-label="Cookies" style="position:fixed;bottom:0"><p>We use cookies to remember your basket.</p><button id="ok">Accept</button><button>Settings</button></div><script>
ok.onclick = () => { cc.style.transform = "translateY(100%)"; setTimeout(() => cc.remove(), 400) };</script>""")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#ok", 1)
    await pause(page, 5000)


@healthy("blind-drag-handles", "dev", """<h1>Order of tasks</h1><ul id="l"><li><button class="drag-handle" aria-label="Move Paint">⠿</button> Paint</li><li><button class="drag-handle" aria-label="Move Sand">⠿</button> Sand</li><li><button class="drag-handle" aria-label="Move Varnish">⠿</button> Varnish</li></ul><script>
let held; l.onpointerdown = (e) => held = e.target.closest(".drag-handle")?.parentNode; addEventListener("pointerup", (e) => { const over = document.elementFromPoint(e.clientX, e.clientY)?.closest("li"); if (held && over && over !== held) over.after(held); held = null });</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    handles = page.locator(".drag-handle")
    for _ in range(2):
        start, end = await handles.nth(0).bounding_box(), await handles.nth(2).bounding_box()
        assert start and end
        await page.mouse.move(start["x"] + 5, start["y"] + 5)
        await page.mouse.down()
        await page.mouse.move(end["x"] + 5, end["y"] + 8, steps=6)
        await page.mouse.up()
        await pause(page, 900)
    await clicks(page, ".drag-handle", 1)
    await pause(page, 4500)


@healthy("blind-copy-key", "blind", """<h1>API keys</h1><code>fern-1</code><button aria-label="Copy key to clipboard"><svg width="16" height="16"><rect width="9" height="9"/></svg></button><script>
document.querySelector("button").onclick = () => navigator.clipboard?.writeText("fern-1").catch(() => {});</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "button", 2, 900)
    await pause(page, 4500)


@healthy("blind-download-and-mail", "blind", """<h1>Press</h1><p><a id="d" download="logo.svg" href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>">Logo as SVG</a></p><p><a id="m" href="mailto:press@example.org">press@example.org</a></p><p><a id="t" href="tel:+100">+100</a></p>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#d", 2, 1200)
    await page.evaluate("document.querySelector('#m').addEventListener('click', (e) => e.preventDefault())")
    await clicks(page, "#m", 1)
    await pause(page, 4500)


@healthy("blind-contents-anchors", "blind", """<h1>Guide</h1><ol><li><a href="#one">One</a></li><li><a href="#two">Two</a></li></ol><h2 id="one">One</h2><p style="height:900px">First</p><h2 id="two">Two</h2><p style="height:900px">Second</p><a href="#" id="top">Top</a>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.click("a[href='#two']")
    await pause(page, 2500)
    await page.evaluate("scrollTo(0, 0)")
    await pause(page, 700)
    await page.click("a[href='#one']")
    await pause(page, 2500)
    await page.evaluate("scrollTo(0, 0)")
    await pause(page, 700)
    await page.click("a[href='#one']")
    await pause(page, 4500)


@healthy("blind-disabled-with-reason", "blind", """<h1>Jacket</h1><div role="radiogroup" aria-label="Size"><button role="radio" aria-checked="false" id="sm">S</button><button role="radio" aria-checked="false" id="md">M</button></div><button id="buy" aria-disabled="true">Add to bag</button><p id="why"></p><p id="bag"></p><script>
for (const b of [sm, md]) b.onclick = () => { sm.setAttribute("aria-checked", b === sm); md.setAttribute("aria-checked", b === md); buy.removeAttribute("aria-disabled"); why.textContent = "" };
buy.onclick = () => { if (buy.getAttribute("aria-disabled")) why.textContent = "Choose a size first"; else bag.textContent = "1 article in your bag" };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#buy", 1, 1500)
    await clicks(page, "#md", 1, 900)
    await clicks(page, "#buy", 1)
    await pause(page, 4500)


@healthy("blind-fields-only-focus", "blind", """<h1>Contact</h1><div class="field" onclick="n.focus()">Name <input id="n"></div><label for="m">Message</label><div id="m" contenteditable="true" style="min-height:60px;border:1px solid"></div><select><option>By mail</option></select>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, ".field", 1, 1200)
    await clicks(page, "#m", 2, 1200)
    await clicks(page, "#n", 2, 900)
    await pause(page, 4500)


@healthy("blind-player-and-canvas", "blind", """<h1>Listen</h1><div class="audio-bar"><button id="p" aria-label="Play">▶</button><div class="track" style="width:300px;height:12px;background:#ccc" id="tr"></div></div><canvas id="c" width="300" height="120" style="background:#eee"></canvas><script>
let on = false; p.onclick = () => { on = !on; p.textContent = on ? "⏸" : "▶" }; c.onclick = (e) => { const g = c.getContext("2d"); g.fillRect(e.offsetX, e.offsetY, 6, 6) };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#p", 1, 900)
    await clicks(page, "#tr", 3, 400)
    await clicks(page, "#c", 5, 250)
    await pause(page, 4500)


@healthy("blind-print-and-share", "blind", """<h1>Recipe</h1><button id="p">Print this recipe</button><button id="s" aria-label="Share">⤴</button><script>window.print = () => {}; p.onclick = () => window.print(); s.onclick = () => navigator.share?.({ title: "Soup" }).catch(() => {});</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#p", 1, 2500)
    await clicks(page, "#s", 1)
    await pause(page, 4500)


@healthy("blind-other-tab", "dev", """<h1>Help</h1><p><a id="a" href="/app/docs" target="_blank" rel="noopener">Open the manual</a></p><button id="b">Chat with us</button><script>b.onclick = () => window.open("/app/chat", "_blank", "popup");</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#a", 1, 1800)
    await page.bring_to_front()
    await clicks(page, "#b", 1, 1800)
    await page.bring_to_front()
    await pause(page, 4000)


@healthy("blind-file-picker", "dev", """<h1>Avatar</h1><button id="b">Change picture</button><input type="file" id="f" style="display:none"><p id="o"></p><script>b.onclick = () => f.click(); f.onchange = () => o.textContent = "New picture chosen";</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#b", 1, 2500)
    await clicks(page, "#b", 1, 1500)
    await page.set_input_files("#f", {"name": "a.png", "mimeType": "image/png", "buffer": b"x"})
    await pause(page, 4000)


@healthy("blind-star-rating", "blind", """<h1>Rate your stay</h1><div id="r" role="group" aria-label="Rating"></div><script>
let n = 0; const draw = () => r.innerHTML = [1, 2, 3, 4, 5].map((i) => `<button data-i="${i}" aria-label="${i} stars">${i <= n ? "★" : "☆"}</button>`).join(""); r.onclick = (e) => { const b = e.target.closest("button"); if (b) { n = +b.dataset.i; draw() } }; draw();</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "[data-i='3']", 1, 300)
    await clicks(page, "[data-i='4']", 1, 300)
    await clicks(page, "[data-i='4']", 2, 300)
    await pause(page, 4500)


@healthy("blind-active-tab-again", "blind", """<h1>Account</h1><div role="tablist"><button role="tab" aria-selected="true" id="x">Orders</button><button role="tab" aria-selected="false" id="y">Addresses</button></div><div role="tabpanel" id="p">No orders yet</div><script>
const pick = (b, text) => { x.setAttribute("aria-selected", b === x); y.setAttribute("aria-selected", b === y); p.textContent = text }; x.onclick = () => pick(x, "No orders yet"); y.onclick = () => pick(y, "One address");</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#x", 1, 1500)
    await clicks(page, "#y", 1, 1500)
    await clicks(page, "#y", 2, 600)
    await pause(page, 4500)


@healthy("blind-wizard-next", "blind", """<h1>Quiz</h1><div id="q">Question 1 of 9</div><button id="n">Next question</button><script>let i = 1; n.onclick = () => q.textContent = `Question ${++i} of 9`;</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#n", 7, 280)
    await pause(page, 4500)


@healthy("blind-reading-and-marking", "blind", """<article><h1>On moss</h1><p id="t">Moss grows where it is damp, and stays there for a long time. It needs no soil.</p><p>It has no roots.</p></article>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.dblclick("#t")
    await pause(page, 500)
    await page.click("#t", click_count=3)
    await pause(page, 900)
    await page.dblclick("#t")
    await pause(page, 4500)


@healthy("blind-wrong-password-once", "blind", """<h1>Sign in</h1><form id="f"><label>Mail <input name="m"></label><label>Password <input type="password" name="p"></label><button>Sign in</button><p id="e" class="form-error" role="alert"></p></form><script>
let tries = 0; f.onsubmit = async (ev) => { ev.preventDefault(); const ok = tries++ > 0; await fetch(ok ? "/api/200" : "/api/401", { method: "POST" }); if (ok) { f.remove(); document.body.append("Hello again, Ann") } else e.textContent = "Wrong password. Try again or reset it." };</script>""", allows="errors_shown refusals")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.fill("[name=m]", "ann")
    await page.fill("[name=p]", "fern")
    await clicks(page, "button", 1, 2000)
    await page.fill("[name=p]", "ferns")
    await clicks(page, "button", 1)
    await pause(page, 4500)


@healthy("blind-endless-list", "blind", """<h1>Photos</h1><div id="g"></div><div id="s" class="spinner-border" role="status"><span class="visually-hidden">Loading...</span></div><script>
let n = 0; const more = () => { for (let i = 0; i < 20; i++) g.insertAdjacentHTML("beforeend", `<p style="height:60px">Photo ${++n}</p>`) }; more(); new IntersectionObserver((x) => x[0].isIntersecting && setTimeout(more, 500)).observe(s);</script>""")
async def _(page: Page) -> None:
    await pause(page, 800)
    for _ in range(4):
        await page.mouse.wheel(0, 900)
        await pause(page, 1200)
    await pause(page, 4000)


@healthy("blind-skeleton-first", "blind", """<h1>Feed</h1><div id="f" aria-busy="true"><div class="skeleton" style="height:40px"></div><div class="skeleton" style="height:40px"></div></div><script>
setTimeout(() => { f.removeAttribute("aria-busy"); f.innerHTML = "<p>Ada: hello</p><p>Bo: good morning</p>" }, 3200);</script>""")
async def _(page: Page) -> None:
    await pause(page, 9000)


@healthy("blind-warnings-in-console", "blind", RENDER + """<script>
const view = (s) => `<h2>Counter</h2><button data-on="more">Count (${s.n || 0})</button>`; on.more = () => { console.error("Warning: Each child in a list should have a unique \\"key\\" prop."); set({ n: (state.n || 0) + 1 }) }; draw();</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "[data-on=more]", 3, 900)
    await pause(page, 4500)


@healthy("blind-status-all-good", "blind", """<h1>System status</h1><button id="b">Check again</button><ul id="o"><li>Search: operational</li></ul><script>
b.onclick = async () => { await fetch("/api/200?ms=400"); o.innerHTML = "<li>Search: operational</li><li>Mail: operational</li><li>Incidents in the last 7 days: none. No errors reported.</li>" };</script>""")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#b", 1)
    await pause(page, 5000)
