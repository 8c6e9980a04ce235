// The replayed page: a stretch of events in a frame without scripts, fitted into the screen. Times are of the session.
const OPTIONS = { mouseTail: false, triggerFocus: false, showWarning: false, UNSAFE_replayCanvas: false };

const LONGEST_LOAD_MS = 4000;
const MOST_ENLARGED = 1.5; // on a very wide screen a phone's page would else be a poster

// A replayed document stays open for writing: put up before the page has loaded, it would keep it loading for ever.
export function pageLoaded() {
  if (document.readyState === "complete") return Promise.resolve();
  return new Promise((done) => {
    addEventListener("load", done, { once: true });
    setTimeout(done, LONGEST_LOAD_MS);
  });
}

export class Stage {
  constructor(screen, Replayer, onFinish) {
    Object.assign(this, { screen, Replayer, onFinish, replayer: null, config: { speed: 1, skipInactive: false } });
    new ResizeObserver(() => this.fit()).observe(screen);
  }

  // ``events``: at least two, one of them a whole picture; ``zero``: the session's.
  mount(events, zero) {
    this.replayer?.destroy();
    this.offset = events[0].timestamp - zero;
    // before its first whole picture the replayer would show whatever it showed last
    this.earliest = events.find((event) => event.type === 2).timestamp - events[0].timestamp + 1;
    this.replayer = new this.Replayer(events, { root: this.screen, ...OPTIONS, ...this.config });
    this.replayer.on("finish", () => this.onFinish());
    this.replayer.on("resize", (size) => this.fit(size));
    this.replayer.on("fullsnapshot-rebuilded", () => this.screen.toggleAttribute("data-shown", true));
  }

  // Later ones than those that are there. At rest they may join the list at once: the replayer's own way costs 20 µs each.
  add(events, isPlaying) {
    const list = this.replayer.service.state.context.events;
    if (isPlaying) for (const event of events) this.replayer.addEvent(event);
    else for (const event of events) list.push(event);
  }

  halt() {
    this.replayer.pause();
  }

  set(change) {
    Object.assign(this.config, change);
    this.replayer?.setConfig(this.config);
  }

  now() {
    return this.replayer.getCurrentTime() + this.offset;
  }

  play(ms) {
    this.replayer.play(Math.max(ms - this.offset, this.earliest));
  }

  pause(ms) {
    this.replayer.pause(Math.max(ms - this.offset, this.earliest));
  }

  fit(size = this.size) {
    if (!size?.width || !this.replayer) return;
    this.size = size;
    const [width, height] = [this.screen.clientWidth, this.screen.clientHeight];
    const scale = Math.min(width / size.width, height / size.height, MOST_ENLARGED);
    const [left, top] = [(width - size.width * scale) / 2, (height - size.height * scale) / 2];
    this.replayer.wrapper.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  }
}
