"""Visits in which something really went wrong."""

from playwright.async_api import Page

from tests.analysis.corpus.scenarios import Shelf, clicks, pause

FAULTS = Shelf()
fault = FAULTS.add

SHOP = "<h1>Checkout</h1><p>2 articles, 48 €</p>"
DEAD = "rage_clicks unresponsive"


@fault("dead-pay-button", "dev", SHOP + '<button id="pay">Pay now</button>', DEAD)
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#pay", 4)
    await pause(page, 4000)


@fault("dead-once", "dev", '<h1>Profile</h1><button id="edit">Edit address</button>', "unresponsive")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#edit", 1)
    await pause(page, 4500)


@fault("dead-link", "dev", '<h1>Offers</h1><p><a href="javascript:void(0)" id="more">Show all offers</a></p>', "unresponsive")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#more", 2, 1500)
    await pause(page, 4000)


PAY_FAILS = SHOP + """<button id="pay">Pay</button><div id="box"></div><script>
pay.onclick = async () => { const r = await fetch("/api/500", {method: "POST"});
  if (!r.ok) box.innerHTML = '<p class="error" role="alert">Payment failed. Please try again later.</p>'; }</script>"""


@fault("pay-500-shown", "dev", PAY_FAILS, "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#pay", 1)
    await pause(page, 5000)


@fault("save-500-silent", "dev", '<h1>Notes</h1><button id="save">Save note</button><script>save.onclick = () => fetch("/api/500?ms=300", {method: "PUT"})</script>', "failed_requests")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#save", 1)
    await pause(page, 3000)
    await clicks(page, "#save", 1)
    await pause(page, 4000)


@fault("throws-on-click", "dev", '<h1>Cart</h1><button id="add">Add to cart</button><script>add.onclick = () => window.cart.items.push(1)</script>', "exceptions error_clicks unresponsive")
async def _(page: Page) -> None:
    await pause(page, 600)
    await clicks(page, "#add", 1)
    await pause(page, 5000)


@fault("root-never-mounts", "dev", '<div id="root"></div><script>const state = undefined; document.getElementById("root").append(state.user.name)</script>', "exceptions blank_pages")
async def _(page: Page) -> None:
    await pause(page, 7000)
    await page.mouse.move(50, 60)
    await pause(page, 500)


CRASH = """<div id="root"><h1>Orders</h1><ul><li>Order one</li><li>Order two</li></ul><button id="open">Open order</button></div><script>
open_ = document.getElementById("open"); open_.onclick = () => { document.getElementById("root").innerHTML = ""; throw new TypeError("order.lines is undefined") }</script>"""


@fault("crash-to-blank", "dev", CRASH, "exceptions blank_pages", "error_clicks")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#open", 1)
    await pause(page, 3000)
    await page.mouse.move(80, 60)
    await pause(page, 2000)


PATTERN = """<h1>Join</h1><form action="?done" aria-label="Sign up"><label>Email <input name="email" pattern="[a-z]+@[a-z]+[.]com" required></label>
<button id="go">Join</button></form>"""


@fault("valid-mail-refused", "dev", PATTERN, "refusals")
async def _(page: Page) -> None:
    await pause(page, 600)
    for mail in ("ann@site.org", "ann.b@site.org", "ann@mail.site.org"):
        await page.fill("[name=email]", mail)
        await clicks(page, "#go", 1)
        await pause(page, 1800)
    await pause(page, 3000)


OWN_CHECK = """<h1>Delivery</h1><form id="f"><label for="zip">Postcode</label> <input id="zip" name="zip"><p class="field-error" id="why"></p><button id="go">Continue</button></form>
<script>f.onsubmit = (e) => { e.preventDefault(); why.textContent = ""; setTimeout(() => why.textContent = "Please enter a valid postcode", 80) }</script>"""


@fault("own-check-refuses", "dev", OWN_CHECK, "refusals")
async def _(page: Page) -> None:
    await pause(page, 600)
    for zip_code in ("10115", "10117"):
        await page.click("#zip")
        await page.fill("#zip", zip_code)
        await clicks(page, "#go", 1)
        await pause(page, 2500)
    await pause(page, 2500)


SPIN = """<h1>Report</h1><button id="run">Run report</button><div id="out"></div><script>
run.onclick = () => { out.innerHTML = '<div class="spinner" role="progressbar">Loading…</div>' }</script>"""


@fault("spinner-for-ever", "dev", SPIN, "endless_spinners")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#run", 1)
    await pause(page, 12500)
    await page.mouse.move(90, 90)
    await pause(page, 400)


RELOADS = """<h1>Dashboard</h1><script>const n = +(sessionStorage.n || 0); if (n < 4) { sessionStorage.n = n + 1; setTimeout(() => location.reload(), 900) }</script>"""


@fault("reload-loop", "dev", RELOADS, "reload_loops")
async def _(page: Page) -> None:
    await pause(page, 8000)


OFFLINE = """<h1>Chat</h1><button id="send">Send</button><p id="state"></p><script>
send.onclick = () => fetch("http://127.0.0.1:9/chat", {method: "POST"}).catch(() => { state.className = "toast"; state.textContent = "Could not send your message" })</script>"""


@fault("network-down", "dev", OFFLINE, "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#send", 1)
    await pause(page, 4500)


REJECTS = """<h1>Team</h1><button id="invite">Invite</button><script>
invite.addEventListener("click", async () => { await null; throw new RangeError("seat 7 is out of range") })</script>"""


@fault("unhandled-rejection", "dev", REJECTS, "exceptions error_clicks unresponsive")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#invite", 2, 1800)
    await pause(page, 4000)


BROKEN_LINK = {"": '<h1>Shop</h1><p>Autumn sale</p><a id="sale" href="sale">See the sale</a>', "sale": "<h1>404 Page not found</h1>"}


@fault("broken-link", "dev", BROKEN_LINK, "errors_shown quick_backs")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#sale", 1)
    await pause(page, 1800)
    await page.go_back()
    await pause(page, 2000)


ERROR_DIALOG = """<h1>Bank</h1><button id="b">Transfer</button><dialog id="d"><h2>Transfer failed</h2><p>Try again in an hour</p></dialog><script>
b.onclick = async () => { await fetch("/api/502?ms=200", {method: "POST"}); d.showModal() }</script>"""


@fault("error-dialog", "dev", ERROR_DIALOG, "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#b", 1)
    await pause(page, 4500)


# The test half: other pages, other ways to go wrong.

CARD = """<h1>Boots</h1><div class="card"><img alt="Boots" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><div role="button" tabindex="0" id="add"><span>Add to basket</span></div></div>
<p id="clock">0</p><script>setInterval(() => clock.textContent = Date.now(), 1000)</script>"""


@fault("dead-div-with-clock", "test", CARD, DEAD)
async def _(page: Page) -> None:
    await pause(page, 7000)
    await clicks(page, "#add span", 5)
    await pause(page, 4500)


@fault("dead-icon-button", "test", '<form aria-label="Filter"><button type="button" aria-label="Apply filters" id="apply"><svg width="20" height="20"><circle cx="9" cy="9" r="8"/></svg></button></form>', "unresponsive")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#apply", 1)
    await pause(page, 3200)
    await clicks(page, "#apply", 1)
    await pause(page, 4000)


SHADOW = """<h1>Files</h1><x-menu></x-menu><script>customElements.define("x-menu", class extends HTMLElement { connectedCallback() {
this.attachShadow({mode: "open"}).innerHTML = '<ul role="menu"><li role="menuitem" tabindex="0" id="rename">Rename</li><li role="menuitem" tabindex="0">Delete</li></ul>' } })</script>"""


@fault("dead-menu-in-shadow-root", "test", SHADOW, "unresponsive")
async def _(page: Page) -> None:
    await pause(page, 800)
    await clicks(page, "#rename", 2, 1400)
    await pause(page, 4000)


LOGIN_503 = """<h1>Sign in</h1><form id="f"><label>User <input name="user"></label><button id="go">Sign in</button></form><dialog id="d"></dialog><script>
f.onsubmit = async (e) => { e.preventDefault(); const r = await fetch("/api/503?ms=400", {method: "POST"}); if (!r.ok) { d.innerHTML = "<p>Service unavailable, we are sorry</p>"; d.showModal() } }</script>"""


@fault("login-503-dialog", "test", LOGIN_503, "failed_requests errors_shown")
async def _(page: Page) -> None:
    await pause(page, 700)
    await page.fill("[name=user]", "ann")
    await clicks(page, "#go", 1)
    await pause(page, 4500)


HANGS = """<h1>Invoice</h1><button id="get"><span>Create invoice</span></button><script>
get.onclick = async () => { get.classList.add("is-loading"); const r = await fetch("/api/500?ms=600", {method: "POST"}); if (r.ok) get.classList.remove("is-loading") }</script>"""


@fault("500-then-busy-for-ever", "test", HANGS, "failed_requests endless_spinners")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#get", 1)
    await pause(page, 12000)
    await page.mouse.move(90, 90)
    await pause(page, 400)


THROWS_DEEP = """<div id="app"><h1>Seats</h1><button class="btn" data-testid="seat-12">Seat 12</button></div><script>
function price(seat) { return seat.fare.total } document.querySelector(".btn").addEventListener("click", () => { price({}) })</script>"""


@fault("rage-on-throwing-button", "test", THROWS_DEEP, "exceptions error_clicks " + DEAD)
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, ".btn", 4)
    await pause(page, 4500)


MODULE = """<main id="app"></main><script type="module">const conf = JSON.parse("{oops"); document.getElementById("app").textContent = conf.title</script>"""


@fault("module-fails-at-load", "test", MODULE, "exceptions blank_pages")
async def _(page: Page) -> None:
    await pause(page, 6800)
    await page.mouse.move(40, 40)
    await pause(page, 400)


EMPTY_ROUTE = """<div id="view"><h1>Home</h1><a href="/x" id="go">Your bookings</a></div><script>
go.onclick = (e) => { e.preventDefault(); history.pushState({}, "", "bookings"); view.replaceChildren() }</script>"""


@fault("route-to-nothing", "test", EMPTY_ROUTE, "blank_pages")
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#go", 1)
    await pause(page, 4500)
    await page.mouse.move(40, 40)
    await pause(page, 400)


HIDDEN_FIELD = """<h1>Book</h1><form action="?done"><label>Name <input name="name" required></label>
<div style="height:1px;overflow:hidden"><input type="text" name="coupon_code" required></div><button id="go">Book now</button></form>"""


@fault("hidden-field-refuses", "test", HIDDEN_FIELD, "refusals")
async def _(page: Page) -> None:
    await pause(page, 600)
    await page.fill("[name=name]", "Ann")
    await clicks(page, "#go", 1)
    await pause(page, 2600)
    await clicks(page, "#go", 1)
    await pause(page, 4000)


REFUSED_422 = """<h1>Card</h1><form id="f"><label>Card number <input name="card"></label><div id="m"></div><button id="go">Add card</button></form><script>
f.onsubmit = async (e) => { e.preventDefault(); m.innerHTML = ""; await fetch("/api/422?ms=200", {method: "POST"}); m.innerHTML = '<div class="alert alert-danger">Card number is invalid</div>' }</script>"""


@fault("server-refuses-again", "test", REFUSED_422, "refusals", "failed_requests")
async def _(page: Page) -> None:
    await pause(page, 600)
    for number in ("4242", "42424242", "424242424242"):
        await page.fill("[name=card]", number)
        await clicks(page, "#go", 1)
        await pause(page, 2000)
    await pause(page, 3500)


@fault("loading-for-ever", "test", '<header><h1>Statistics</h1></header><section id="s"><p>Loading…</p></section>', "endless_spinners")
async def _(page: Page) -> None:
    await pause(page, 6000)
    await page.mouse.move(50, 50)
    await pause(page, 6500)
    await page.mouse.move(90, 50)
    await pause(page, 300)


BOUNCE = """<p>Signing you in</p><script>const n = +(sessionStorage.n || 0); if (n < 5) { sessionStorage.n = n + 1; setTimeout(() => location.href = "?token=" + n, 1100) }</script>"""


@fault("sign-in-bounces", "test", BOUNCE, "reload_loops")
async def _(page: Page) -> None:
    await pause(page, 9000)


APOLOGY = """<h1>Upload</h1><button id="next">Next</button><script>
next.onclick = () => setTimeout(() => { const d = document.createElement("div"); d.setAttribute("role", "alertdialog"); d.innerHTML = "<h2>Something went wrong</h2><p>Code 7</p>"; document.body.append(d) }, 700)</script>"""


@fault("apology-without-request", "test", APOLOGY, "errors_shown")
async def _(page: Page) -> None:
    await pause(page, 700)
    await clicks(page, "#next", 1)
    await pause(page, 4500)


WRONG_PAGE = {"": '<h1>Help</h1><a id="ret" href="returns">Returns and refunds</a>', "returns": "<h1>Careers</h1><p>Work with us. We are hiring in three cities.</p>"}


@fault("wrong-page-quick-back", "test", WRONG_PAGE, "quick_backs", is_failure=False)
async def _(page: Page) -> None:
    await pause(page, 900)
    await clicks(page, "#ret", 1)
    await pause(page, 1500)
    await page.go_back()
    await pause(page, 2500)


TIMER = """<h1>News</h1><p>Today</p><button id="more">More</button><ul id="l"></ul><script>
setTimeout(() => { undefinedFunction() }, 1500); more.onclick = () => l.insertAdjacentHTML("beforeend", "<li>Another story</li>")</script>"""


@fault("exception-beside-the-point", "test", TIMER, "exceptions")
async def _(page: Page) -> None:
    await pause(page, 3000)
    await clicks(page, "#more", 2, 900)
    await pause(page, 2500)
