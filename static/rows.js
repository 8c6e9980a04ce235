// A long list beside the player: filtered by sort and by words, drawn a page at a time around the playhead.
import { clock } from "./times.js";

const PAGE = 200;
const OWN = { at: (row) => row.at, sort: (row) => row.level ?? row.sort, text: (row) => row.text, bad: (row) => row.bad };
const LEAP = 1000; // further on than this the list starts anew around the playhead

export class Rows {
  // ``draw(row, span)`` returns further elements of a row; ``span`` is what the drawn rows cover in time, for bars.
  // ``read`` tells a row's at (epoch ms), sort, text and bad, where it has no fields of these names.
  constructor(root, { name, empty, sorts = null, sort = "", draw, jump, read = OWN }) {
    Object.assign(this, { root, name, empty, draw, jump, read, all: [], wanted: [], from: 0, shown: 0, current: null, lastAt: 0, zero: 0 });
    const bar = make("div", { className: "rows-bar" });
    if (sorts) {
      this.choice = make("select", { ariaLabel: `Which ${name.toLowerCase()}` });
      for (const [value, label] of Object.entries(sorts)) this.choice.append(new Option(label, value, value === sort, value === sort));
      this.choice.addEventListener("change", () => this.show());
      const label = make("label", { className: "select" });
      label.append(this.choice);
      bar.append(label);
    }
    this.words = make("input", { type: "search", ariaLabel: `Search ${name.toLowerCase()}`, placeholder: "Search", autocomplete: "off" });
    this.words.addEventListener("input", () => this.show());
    bar.append(this.words);
    this.list = make("ol", { ariaLabel: name, tabIndex: 0 });
    this.more = make("button", { type: "button", className: "button", hidden: true });
    this.earlier = make("button", { type: "button", className: "button", textContent: "Show earlier ones", hidden: true });
    this.more.addEventListener("click", () => this.showMore());
    this.earlier.addEventListener("click", () => this.startAt(Math.max(0, this.from - PAGE)));
    root.append(bar, this.earlier, this.list, this.more);
    new ResizeObserver(() => this.follow(this.lastAt)).observe(root); // its tab was chosen
  }

  // ``find`` gives the rows by time; it is called once somebody looks.
  set(find, zero) {
    Object.assign(this, { find, zero });
    this.look();
  }

  look() {
    if (!this.find || !this.list.offsetParent) return;
    this.all = this.find();
    this.find = null;
    const drawn = this.wanted.slice(this.from, this.shown);
    this.wanted = this.filtered();
    const isSame = drawn.length >= Math.min(PAGE, this.wanted.length) && drawn.length && drawn.every((row, n) => row === this.wanted[this.from + n]);
    if (isSame) this.sayMore();
    else this.startAt(0);
  }

  filtered() {
    const { sort, text, bad } = this.read;
    const [chosen, words] = [this.choice?.value ?? "all", this.words.value.trim().toLowerCase()];
    if (!words && chosen === "all") return this.all;
    const isOfSort = (row) => chosen === "all" || sort(row) === chosen || (chosen === "bad" && bad(row));
    return this.all.filter((row) => isOfSort(row) && (!words || text(row).toLowerCase().includes(words)));
  }

  show() {
    this.wanted = this.filtered();
    this.startAt(0);
    this.follow(this.lastAt);
  }

  startAt(index) {
    Object.assign(this, { from: index, shown: index, current: null });
    this.list.replaceChildren();
    this.earlier.hidden = index === 0;
    this.showMore();
    if (!this.wanted.length) this.list.append(make("li", { className: "rows-none", textContent: this.all.length ? "Nothing fits." : this.empty }));
  }

  showMore() {
    const rows = this.wanted.slice(this.shown, this.shown + PAGE);
    const span = rows.length ? [Math.min(...rows.map((row) => this.read.at(row) - (row.tookMs ?? 0))), this.read.at(rows.at(-1))] : [0, 1];
    this.list.append(...rows.map((row) => this.item(row, span)));
    this.shown += rows.length;
    this.sayMore();
  }

  sayMore() {
    const left = this.wanted.length - this.shown;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show more (${left.toLocaleString("en")} left)`;
  }

  item(row, span) {
    const item = make("li");
    const button = make("button", { type: "button" });
    const offset = this.read.at(row) - (row.tookMs ?? 0) - this.zero;
    button.append(make("span", { className: "rows-time", textContent: `${clock(offset)}.${Math.floor((Math.max(0, offset) % 1000) / 100)}` }), ...this.draw(row, span));
    button.addEventListener("click", () => this.jump(offset));
    item.append(button);
    if (this.read.bad(row)) item.dataset.bad = "";
    return item;
  }

  // The last row at or before the playhead is the current one; it is kept in view within the list.
  follow(at) {
    this.lastAt = at;
    if (!this.list.offsetParent) return;
    this.look();
    const place = lastBefore(this.wanted, at, this.read.at);
    if (place >= this.shown + LEAP || (place >= 0 && place < this.from)) this.startAt(Math.max(0, place - PAGE / 2));
    while (place >= this.shown && this.shown < this.wanted.length) this.showMore();
    const item = place < this.from || !this.wanted.length ? null : this.list.children[place - this.from];
    if (item === this.current) return;
    this.current?.removeAttribute("data-now");
    item?.setAttribute("data-now", "");
    this.current = item;
    if (item) this.list.scrollTop = Math.max(0, item.offsetTop - this.list.clientHeight / 2);
  }
}

export function make(tag, fields = {}) {
  return Object.assign(document.createElement(tag), fields);
}

function lastBefore(rows, at, timeOf) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(rows[middle]) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
