// The shop's own script. Faults are planted here on purpose; retrospec/demo/faults.py says which.
"use strict";

const PRICES = { sencha: 14.5, gyokuro: 24, assam: 11, "lapsang-souchong": 13.5, chamomile: 9, "lemon-verbena": 9.5 };
const NAMES = { sencha: "Sencha", gyokuro: "Gyokuro", assam: "Assam", "lapsang-souchong": "Lapsang Souchong", chamomile: "Chamomile", "lemon-verbena": "Lemon Verbena" };
const COUPONS = { WELCOME: { percent: 5 }, FRIENDS: { percent: 15 } };

const byId = (id) => document.getElementById(id);
const euro = (amount) => `${amount.toFixed(2)} €`;

const basket = {
  read: () => JSON.parse(localStorage.getItem("basket") || "{}"),
  write(lines) {
    localStorage.setItem("basket", JSON.stringify(lines));
    byId("basket-count").textContent = basket.tins();
  },
  add(tea, tins) {
    const lines = basket.read();
    basket.write({ ...lines, [tea]: (lines[tea] || 0) + tins });
  },
  remove(tea) {
    const { [tea]: _gone, ...rest } = basket.read();
    basket.write(rest);
  },
  tins: () => Object.values(basket.read()).reduce((sum, tins) => sum + tins, 0),
  total: () => Object.entries(basket.read()).reduce((sum, [tea, tins]) => sum + PRICES[tea] * tins, 0),
};

function greetCoupon() {
  const given = new URLSearchParams(location.search).get("coupon");
  if (given) sessionStorage.setItem("coupon", given);
  const coupon = sessionStorage.getItem("coupon");
  byId("coupon-ribbon").hidden = !coupon;
  if (coupon) byId("coupon-ribbon").textContent = `Your coupon ${coupon} is waiting at the checkout.`;
}

// Planted: SPRING is printed on the leaflets but was never added to COUPONS.
function priceAfterCoupon(total) {
  const coupon = sessionStorage.getItem("coupon");
  if (!coupon) return total;
  const percent = COUPONS[coupon].percent;
  return total * (1 - percent / 100);
}

function startHome() {
  const chips = [...document.querySelectorAll(".chip")];
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
      for (const item of document.querySelectorAll("[data-family]")) {
        item.hidden = chip.dataset.filter !== "all" && item.dataset.family !== chip.dataset.filter;
      }
    });
  }
}

function startTea() {
  let tins = 1;
  const show = (count) => {
    tins = Math.min(12, Math.max(1, count));
    byId("tins").textContent = tins;
  };
  byId("fewer").addEventListener("click", () => show(tins - 1));
  byId("more").addEventListener("click", () => show(tins + 1));
  byId("add").addEventListener("click", (event) => {
    basket.add(event.currentTarget.dataset.tea, tins);
    byId("added").textContent = tins === 1 ? "One tin is in your basket." : `${tins} tins are in your basket.`;
  });
  // Planted: the button is called sample-button now, so nobody listens to it.
  byId("sample-btn")?.addEventListener("click", () => {
    byId("sample-note").textContent = "A sample is on its way.";
  });
}

function startBasket() {
  const lines = Object.entries(basket.read());
  byId("basket-empty").hidden = lines.length > 0;
  byId("basket-full").hidden = lines.length === 0;
  byId("lines").replaceChildren(...lines.map(([tea, tins]) => basketLine(tea, tins)));
  byId("subtotal").textContent = euro(basket.total());
  byId("total").textContent = euro(basket.total());
  const coupon = sessionStorage.getItem("coupon");
  byId("coupon-row").hidden = !coupon;
  byId("coupon-code").textContent = coupon || "";
  byId("to-checkout").onclick = () => {
    sessionStorage.setItem("toPay", String(priceAfterCoupon(basket.total())));
    location.href = "/checkout";
  };
}

function basketLine(tea, tins) {
  const item = document.createElement("li");
  item.className = "line";
  const name = Object.assign(document.createElement("b"), { textContent: NAMES[tea] });
  const price = Object.assign(document.createElement("span"), { textContent: `${tins} × ${euro(PRICES[tea])}` });
  const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove ${NAMES[tea]}`);
  remove.addEventListener("click", () => {
    basket.remove(tea);
    startBasket();
  });
  item.append(name, price, remove);
  return item;
}

function startCheckout() {
  const form = byId("checkout-form");
  byId("slip-tins").textContent = basket.tins();
  byId("slip-total").textContent = euro(Number(sessionStorage.getItem("toPay")) || basket.total());
  // Planted: the postcode's pattern knows five digits only, whatever the country.
  form.postcode.addEventListener("invalid", (event) => {
    event.preventDefault();
    form.postcode.classList.add("refused");
    byId("postcode-error").textContent = "Please enter a valid postcode.";
  });
  form.postcode.addEventListener("input", () => {
    form.postcode.classList.remove("refused");
    byId("postcode-error").textContent = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pay(form);
  });
}

async function pay(form) {
  byId("pay").disabled = true;
  byId("pay").textContent = "Paying…";
  byId("pay-note").textContent = "";
  const order = { method: form.method.value, country: form.country.value, basket: basket.read() };
  const answer = await fetch("/api/pay", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) });
  byId("pay").disabled = false;
  byId("pay").textContent = "Pay now";
  if (!answer.ok) {
    byId("pay-note").textContent = "We could not take your payment. Please try again.";
    return;
  }
  const { order: number } = await answer.json();
  sessionStorage.setItem("order", number);
  basket.write({});
  location.href = "/thanks";
}

function startThanks() {
  byId("order-number").textContent = sessionStorage.getItem("order") || "";
}

greetCoupon();
byId("basket-count").textContent = basket.tins();
({ home: startHome, tea: startTea, basket: startBasket, checkout: startCheckout, thanks: startThanks })[document.querySelector("main").className]?.();
