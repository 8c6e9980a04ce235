// A recording as it comes: pieces in order of time, from whichever moment is wanted first. A piece is a chunk as stored.
import { Told } from "./moments.js";

const GONE = "The recording is not there any more.";
const BROKEN = "The recording broke off while loading. Reload to try again.";
export const LOOKS = "retrospec.looks";
export const GAP = "retrospec.gap";
export const isNote = (event, tag) => event?.type === 5 && event.data?.tag === tag;
const byTime = (a, b) => a.timestamp - b.timestamp;

export class Tape {
  // told: {head(), events(piece, events): perhaps a promise to wait for, looks(counts), whole(), failed(error)}
  constructor(url, told) {
    Object.assign(this, { url, told, pieces: [], isOpen: false, turn: 0, stop: null });
  }

  // Everything from piece ``start`` on, then what is still missing before it.
  // ``at``: instead, from the piece that the replay of this moment (session ms) begins with.
  async fill(start = 0, at = 0) {
    const turn = ++this.turn;
    this.stop?.abort();
    try {
      for (let [from, end] = [start, Infinity]; ; ) {
        await this.load(from, end, at);
        at = 0;
        if (turn !== this.turn) return;
        from = this.pieces.findIndex((piece) => !piece.whole);
        if (from < 0) break;
        end = this.pieces.findIndex((piece, n) => n > from && piece.whole);
        if (end < 0) end = Infinity;
      }
      this.told.whole();
    } catch (error) {
      if (turn === this.turn) this.told.failed(error instanceof SyntaxError || error instanceof TypeError ? new Error(BROKEN) : error);
    }
  }

  async load(start, end, at = 0) {
    this.stop = new AbortController();
    const query = (at ? `at=${Math.round(at)}` : `start=${start}`) + (end === Infinity ? "" : `&end=${end}`);
    const answer = await fetch(`${this.url}?${query}`, { credentials: "same-origin", signal: this.stop.signal });
    if (!answer.ok) throw new Error(GONE);
    let isHead = true;
    for await (const line of linesOf(answer.body)) {
      const said = JSON.parse(line);
      if (isHead) this.learn(said);
      else await this.take(said);
      isHead = false;
    }
    const from = at ? this.pieces.findIndex((piece) => piece.whole) : start;
    if (this.pieces.slice(Math.max(0, from), end).some((piece) => !piece.whole)) throw new Error(BROKEN);
  }

  learn(head) {
    const name = (piece) => `${piece.first} ${piece.last} ${piece.bytes}`;
    const known = new Map(this.pieces.map((piece) => [name(piece), piece]));
    this.pieces = head.pieces.map((piece) => known.get(name(piece)) ?? { ...piece, events: [], told: new Told(), whole: false });
    for (const piece of this.pieces) piece.skip = piece.whole ? 0 : piece.events.length; // a line that came before the stop comes again
    this.isOpen = head.open;
    this.told.head();
  }

  take({ n, whole, events }) {
    const piece = this.pieces[n];
    const again = Math.min(piece.skip, events.length);
    piece.skip -= again;
    const fresh = events.slice(again).filter((event) => {
      if (isNote(event, LOOKS)) this.told.looks(event.data.payload);
      else return event && Number.isFinite(event.timestamp);
      return false;
    });
    for (const event of fresh) piece.events.push(event);
    piece.told.read(fresh);
    piece.whole ||= whole;
    return this.told.events(piece, fresh);
  }

  get zero() {
    const dated = this.pieces.find((piece) => piece.first > 0);
    return dated?.first ?? this.pieces.find((piece) => piece.events.length)?.events[0].timestamp ?? 0;
  }

  get end() {
    return this.pieces.reduce((end, piece) => Math.max(end, piece.last, piece.whole || !piece.last ? (piece.events.at(-1)?.timestamp ?? 0) : 0), this.zero);
  }

  // The piece that the replay of a moment must begin with: the last one before it that holds a whole picture.
  baseOf(time) {
    let base = 0;
    for (const [n, piece] of this.pieces.entries()) {
      if (piece.first > time) break;
      if (piece.snapshot > 0 && piece.snapshot <= time) base = n;
    }
    return base;
  }

  // The longest row of loaded pieces around piece ``n``: [from, to], the last of them perhaps only in part.
  runAround(n) {
    let [from, to] = [n, n];
    while (from > 0 && this.pieces[from - 1].whole) from--;
    while (this.pieces[to]?.whole && to + 1 < this.pieces.length && (this.pieces[to + 1].whole || this.pieces[to + 1].events.length)) to++;
    return [from, to];
  }

  reaches(time) {
    const [, to] = this.runAround(this.baseOf(time));
    let needed = this.baseOf(time);
    while (needed + 1 < this.pieces.length && this.pieces[needed + 1].first <= time) needed++;
    return to > needed || (to === needed && (this.pieces[to].whole || (this.pieces[to].events.at(-1)?.timestamp ?? -1) >= time));
  }

  // Up to here nothing earlier can come any more in the run that begins with piece ``from``.
  horizon(from) {
    const [, to] = this.runAround(from);
    const next = this.pieces[to + 1]?.first ?? Infinity;
    return this.pieces[to]?.whole ? next : Math.min(next, this.pieces[to]?.events.at(-1)?.timestamp ?? 0);
  }

  eventsOf(from, to) {
    return this.pieces.slice(from, to + 1).flatMap((piece) => piece.events).sort(byTime); // nearly sorted already: a few ms
  }

  // Rows of neighbouring loaded pieces: what each of them tells.
  runs() {
    const runs = [];
    for (let n = 0; n < this.pieces.length; n++) {
      if (!this.pieces[n].events.length) continue;
      const [from, to] = this.runAround(n);
      runs.push(this.pieces.slice(from, to + 1).map((piece) => piece.told).filter((told) => told.last));
      n = to;
    }
    return runs.filter((run) => run.length);
  }

  get events() {
    return this.eventsOf(0, this.pieces.length - 1);
  }
}

async function* linesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      let rest = value;
      for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
        parts.push(rest.slice(0, at));
        yield parts.join("");
        [parts, rest] = [[], rest.slice(at + 1)];
      }
      if (rest) parts.push(rest);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (parts.length) throw new Error(BROKEN);
}
