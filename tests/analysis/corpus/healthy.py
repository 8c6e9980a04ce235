"""Visits in which nothing went wrong, though much of it looks as if."""

from playwright.async_api import Page

from tests.analysis.corpus.scenarios import Shelf, clicks, pause

HEALTHY = Shelf()
healthy = HEALTHY.add


@healthy("slow-button", "dev", '<h1>Export</h1><button id="b">Make list</button><p id="o"></p><script>b.onclick = () => setTimeout(() => o.textContent = "Your list is ready", 3600)</script>')
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#b", 1)
    await pause(page, 6000)


@healthy("stepper-ten-times", "dev", '<h1>Tickets</h1><button id="plus">+</button> <output id="n">1</output><script>plus.onclick = () => n.textContent = +n.textContent + 1</script>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#plus", 10, 180)
    await pause(page, 3500)


NATIVE = """<h1>Newsletter</h1><form id="f"><label>Email <input type="email" name="email" required></label><button id="go">Subscribe</button></form><p id="o"></p>
<script>f.onsubmit = (e) => { e.preventDefault(); f.remove(); o.textContent = "Welcome aboard" }</script>"""


@healthy("validation-overcome", "dev", NATIVE)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#go", 1)
    await pause(page, 1500)
    await page.fill("[name=email]", "ann@example.org")
    await clicks(page, "#go", 1)
    await pause(page, 3500)


AVATAR = """<h1>Profile</h1><button id="b">Show picture</button><div id="o"></div><script>
b.onclick = async () => { const r = await fetch("/api/404"); o.textContent = r.ok ? "picture" : "A. B. (initials)" }</script>"""


@healthy("expected-404", "dev", AVATAR)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 4000)


TICKER = """<h1>Rates</h1><p id="t">1.00</p><div id="bar" style="width:10px;height:4px;background:red"></div><button id="b">Details</button><section id="o" hidden><p>Rate table</p></section><script>
let x = 0; setInterval(() => { t.textContent = (1 + Math.sin(++x)).toFixed(2); bar.style.width = 10 + x % 90 + "px" }, 250); b.onclick = () => o.hidden = !o.hidden</script>"""


@healthy("animation", "dev", TICKER)
async def _(page: Page) -> None:
    await pause(page, 5000)
    await clicks(page, "#b", 1)
    await pause(page, 4500)


LOGIN = """<h1>Sign in</h1><form id="f"><label>User <input name="u"></label><label>Password <input type="password" name="p"></label><button id="go">Sign in</button><p class="error" id="m"></p></form><script>
f.onsubmit = async (e) => { e.preventDefault(); const right = f.p.value === "right"; await fetch(right ? "/api/200" : "/api/401", {method: "POST"});
if (right) document.body.innerHTML = "<h1>Hello Ann</h1>"; else m.textContent = "Wrong password" }</script>"""


@healthy("login-second-try", "dev", LOGIN)
async def _(page: Page) -> None:
    await pause(page, 600)
    await page.fill("[name=u]", "ann")
    await page.fill("[name=p]", "wrong")
    await clicks(page, "#go", 1)
    await pause(page, 2000)
    await page.fill("[name=p]", "right")
    await clicks(page, "#go", 1)
    await pause(page, 3500)


ACCORDION = """<style>.body{display:none}.item.open .body{display:block}</style><h1>FAQ</h1><div class="item" id="i"><button id="q">How do I pay?</button><div class="body">By card.</div></div>
<script>q.onclick = () => i.classList.toggle("open")</script>"""


@healthy("accordion", "dev", ACCORDION)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#q", 3, 900)
    await pause(page, 3500)


TABS = """<style>.p{display:none}.p.active{display:block}</style><h1>Settings</h1><button class="t active" id="a">General</button><button class="t" id="b">Billing</button><div class="p active" id="pa">General settings</div><div class="p" id="pb">Billing</div>
<script>b.onclick = () => { a.className = "t"; pa.className = "p"; b.className = "t active"; pb.className = "p active" }</script>"""


@healthy("tabs-by-class", "dev", TABS)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 3500)
    await clicks(page, "#b", 1)
    await pause(page, 3500)


MODAL = '<h1>Terms</h1><button id="b">Read terms</button><dialog id="d"><p>The terms</p><button id="c">Close</button></dialog><script>b.onclick = () => d.showModal(); c.onclick = () => d.close()</script>'


@healthy("modal", "dev", MODAL)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 1500)
    await clicks(page, "#c", 1)
    await pause(page, 3500)


CALENDAR = """<h1>Pick a day</h1><button id="n" aria-label="Next month">›</button><h2 id="m">Month 1</h2><table><tr><td>1</td><td>2</td></tr></table><script>let i = 1; n.onclick = () => m.textContent = "Month " + ++i</script>"""


@healthy("calendar", "dev", CALENDAR)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#n", 7, 200)
    await pause(page, 3500)


@healthy("copy-link", "dev", '<h1>Share</h1><button id="c">Copy link</button><script>c.onclick = () => navigator.clipboard?.writeText("x").catch(() => {})</script>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#c", 1)
    await pause(page, 4000)


@healthy("plain-links", "dev", {"": '<h1>Blog</h1><a id="a" href="post">First post</a>', "post": '<h1>First post</h1><p>Long text.</p><a id="b" href="./">Back to blog</a>'})
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#a", 1)
    await pause(page, 2500)
    await clicks(page, "#b", 1)
    await pause(page, 3000)


@healthy("triple-click-selects", "dev", "<h1>Article</h1><p id='p'>A sentence somebody wants to copy from this page.</p>")
async def _(page: Page) -> None:
    await pause(page, 600)
    await page.click("#p", click_count=3, delay=40)
    await pause(page, 4000)


ROUTES = """<div id="v"><h1>Home</h1><a id="g" href="/x">Trips</a></div><script>
g.onclick = (e) => { e.preventDefault(); history.pushState({}, "", "trips"); v.innerHTML = ""; setTimeout(() => v.innerHTML = "<h1>Trips</h1><p>No trips yet</p>", 900) }</script>"""


@healthy("route-change", "dev", ROUTES)
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#g", 1)
    await pause(page, 4500)


SPINS = """<h1>Search</h1><button id="b">Find</button><div id="o"></div><script>
b.onclick = () => { o.innerHTML = '<div class="spinner">Loading…</div>'; setTimeout(() => o.innerHTML = "<p>3 results</p>", 3000) }</script>"""


@healthy("spinner-then-result", "dev", SPINS)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 8000)
    await page.mouse.move(70, 70)
    await pause(page, 4500)


# The test half.

SLOW_SAVE = """<h1>Draft</h1><button id="b">Save draft</button><p id="s"></p><script>
b.onclick = async () => { b.disabled = true; b.textContent = "Saving…"; await fetch("/api/200?ms=4500", {method: "POST"}); b.disabled = false; b.textContent = "Save draft"; s.textContent = "Saved at noon" }</script>"""


@healthy("slow-save", "test", SLOW_SAVE)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 8500)


@healthy("quantity-field", "test", '<h1>Basket</h1><input id="q" value="1" aria-label="Quantity"><button id="m">More</button><script>m.onclick = () => q.value = +q.value + 1</script>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#m", 6, 220)
    await pause(page, 3500)


PASSWORD = """<h1>Register</h1><form id="f"><label>Password <input name="p" type="password"></label><p id="e" role="alert"></p><button id="go">Create account</button></form><script>
f.onsubmit = (e) => { e.preventDefault(); if (f.p.value.length < 8) { e_.textContent = "Password must contain at least 8 characters"; f.p.setAttribute("aria-invalid", "true") } else location.href = "done" }; const e_ = document.getElementById("e")</script>"""


@healthy("password-rule-met-later", "test", {"": PASSWORD, "done": "<h1>Account created</h1>"})
async def _(page: Page) -> None:
    await pause(page, 600)
    for word in ("short", "shorter", "long-enough-now"):
        await page.fill("[name=p]", word)
        await clicks(page, "#go", 1)
        await pause(page, 1600)
    await pause(page, 2500)


PROBES = """<h1>Welcome</h1><p>Read on.</p><script>fetch("/api/404", {method: "HEAD"}); fetch("/api/401?ms=200")</script><button id="b">Start tour</button><p id="o"></p><script>b.onclick = () => o.textContent = "Step one"</script>"""


@healthy("quiet-probes", "test", PROBES)
async def _(page: Page) -> None:
    await pause(page, 1500)
    await clicks(page, "#b", 1)
    await pause(page, 3500)


CAROUSEL = """<h1>Gallery</h1><div class="carousel"><p id="c">Picture 0</p></div><button id="b">Order print</button><p id="o"></p><script>
let i = 0; setInterval(() => { c.textContent = "Picture " + ++i }, 1200); b.onclick = () => { o.textContent = "Print ordered" }</script>"""


@healthy("carousel", "test", CAROUSEL)
async def _(page: Page) -> None:
    await pause(page, 6500)
    await clicks(page, "#b", 1)
    await pause(page, 4000)


CODE = """<h1>Enter code</h1><form id="f"><label>Code <input name="c"></label><button id="go">Verify</button></form><div id="m"></div><script>
let n = 0; f.onsubmit = async (e) => { e.preventDefault(); const bad = n++ < 2; await fetch(bad ? "/api/422" : "/api/200", {method: "POST"}); m.innerHTML = bad ? '<p class="alert">Incorrect code, please check it</p>' : "<h2>Verified</h2>" }</script>"""


@healthy("code-third-try", "test", CODE)
async def _(page: Page) -> None:
    await pause(page, 600)
    for code in ("111111", "222222", "333333"):
        await page.fill("[name=c]", code)
        await clicks(page, "#go", 1)
        await pause(page, 1700)
    await pause(page, 3000)


@healthy("details", "test", "<h1>Shipping</h1><details><summary id='s'>Costs</summary><p>5 €</p></details>")
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#s", 3, 300)
    await pause(page, 3500)


@healthy("dark-mode", "test", '<h1>Reader</h1><button id="b" aria-label="Theme">◐</button><script>b.onclick = () => document.documentElement.classList.toggle("dark")</script>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 4, 400)
    await pause(page, 3500)


MENU = '<h1>Mail</h1><button id="b" aria-expanded="false">Account</button><ul id="u" class="is-gone"><li>Profile</li></ul><script>b.onclick = () => { u.classList.toggle("is-gone"); b.setAttribute("aria-expanded", "true") }</script>'


@healthy("drop-down", "test", MENU)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 3500)


@healthy("like-button", "test", '<h1>Post</h1><button id="b" aria-pressed="false">Like</button><script>b.onclick = () => b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true"))</script>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 3, 300)
    await pause(page, 3500)


@healthy("anchor-link", "test", '<h1>Guide</h1><a id="a" href="#end">To the end</a><div style="height:2400px"></div><h2 id="end">The end</h2>')
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#a", 1)
    await pause(page, 4000)


DRAW = """<h1>Draw</h1><canvas id="c" width="200" height="120" style="border:1px solid"></canvas><script>
c.onclick = (e) => c.getContext("2d").fillRect(e.offsetX, e.offsetY, 4, 4)</script>"""


@healthy("drawing", "test", DRAW)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#c", 5, 200)
    await pause(page, 3500)


SUGGEST = """<h1>Find</h1><input id="q" aria-label="Search"><ul id="l"></ul><script>q.oninput = async () => { await fetch("/api/200?ms=80"); l.innerHTML = "<li>" + q.value.length + " letters</li>" }</script>"""


@healthy("search-as-you-type", "test", SUGGEST)
async def _(page: Page) -> None:
    await pause(page, 600)
    await page.click("#q")
    await page.keyboard.type("shoes", delay=150)
    await pause(page, 3500)


@healthy("classic-post", "test", {"": '<h1>Contact</h1><form action="thanks"><label>Message <input name="m"></label><button id="go">Send</button></form>', "thanks": "<h1>Thank you</h1><p>We will answer soon.</p>"})
async def _(page: Page) -> None:
    await pause(page, 600)
    await page.fill("[name=m]", "Hello")
    await clicks(page, "#go", 1)
    await pause(page, 3000)


LOGS = '<h1>Map</h1><button id="b">Centre</button><p id="o"></p><script>b.onclick = () => { console.error("deprecated option used"); o.textContent = "Centred" }</script>'


@healthy("logged-but-fine", "test", LOGS)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 3500)


NOISE = """<h1>Panels</h1><div id="p" style="width:100px">Panel</div><button id="b">Wider</button><script>
new ResizeObserver(() => { p.style.height = p.offsetWidth + Math.random() * 9 + "px" }).observe(p);
b.onclick = () => { p.style.width = "300px"; p.textContent = "Wide panel"; dispatchEvent(new ErrorEvent("error", {message: "ResizeObserver loop completed with undelivered notifications."})) }</script>"""


@healthy("resize-observer-noise", "test", NOISE)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 3500)


KEYPAD = """<h1>Calculator</h1><output id="o">0</output><br><button>7</button><button>8</button><button id="c">C</button><script>
for (const b of document.querySelectorAll("button")) b.onclick = () => o.textContent = b.id ? "0" : o.textContent + b.textContent</script>"""


@healthy("keypad", "test", KEYPAD)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "button", 5, 160)
    await clicks(page, "#c", 1)
    await pause(page, 3000)


CHECKS = """<h1>Preferences</h1><label><input type="checkbox" id="a"> News</label><label><input type="radio" name="r" id="b"> Daily</label><select id="s"><option>One<option>Two</select>"""


@healthy("check-boxes", "test", CHECKS)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#a", 4, 250)
    await clicks(page, "#b", 1)
    await page.select_option("#s", "Two")
    await pause(page, 3500)


ALL_WELL = """<h1>Check</h1><button id="b">Run check</button><div id="o" class="alert"></div><script>b.onclick = () => setTimeout(() => o.textContent = "No errors found, 0 problems", 900)</script>"""


@healthy("no-errors-found", "test", ALL_WELL)
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#b", 1)
    await pause(page, 4500)
