// A failure capsule's own script: unpacks the recording in the file and plays it. No network, no modules: it must run from a disk.
(() => {
  const byId = (id) => document.getElementById(id);
  const clock = (ms) => `${Math.floor(Math.max(0, ms) / 60000)}:${String(Math.floor(Math.max(0, ms) / 1000) % 60).padStart(2, "0")}`;

  async function unpack(id) {
    const packed = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  async function start() {
    const [text, assets] = await Promise.all([unpack("events"), unpack("assets").then(JSON.parse)]);
    const dressed = text.replace(/https:\/\/vault\.invalid\/([0-9a-f]{64})/g, (address, digest) => assets[digest] ?? address);
    const events = JSON.parse(dressed);
    if (events.length < 2) {
      byId("note").textContent = "This recording holds no picture of a page: there is nothing to play.";
      return;
    }
    // the replayed document stays open for writing, and a page with such a frame in it would load for ever
    if (document.readyState === "complete") play(events);
    else addEventListener("load", () => play(events), { once: true });
  }

  function play(events) {
    const screen = byId("screen");
    byId("note").remove();
    const first = events[0].timestamp - Number(byId("player").dataset.zero); // session time of the first event here
    const length = events[events.length - 1].timestamp - events[0].timestamp;
    const options = { root: screen, mouseTail: false, triggerFocus: false, showWarning: false, UNSAFE_replayCanvas: false };
    const replayer = new rrwebReplay.Replayer(events, options);
    const [toggle, at] = [byId("toggle"), byId("at")];
    let isPlaying = false;

    function fit({ width, height } = {}) {
      const frame = replayer.iframe;
      const scale = Math.min(screen.clientWidth / (width ?? frame.width), 1);
      replayer.wrapper.style.cssText = `transform: scale(${scale}); transform-origin: 0 0; width: ${width ?? frame.width}px`;
      screen.style.height = `${(height ?? frame.height) * scale}px`;
    }
    function show() {
      const now = Math.min(length, Math.max(0, replayer.getCurrentTime()));
      at.value = String(Math.round((now / length) * 1000));
      byId("clock").textContent = `${clock(first + now)} of ${clock(first + length)}`;
      if (isPlaying) requestAnimationFrame(show);
    }
    function set(playing, ms) {
      isPlaying = playing;
      if (playing) replayer.play(ms);
      else replayer.pause(ms);
      toggle.textContent = playing ? "❚❚" : "▶";
      toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
      show();
    }
    replayer.on("resize", fit);
    replayer.on("finish", () => set(false, length));
    addEventListener("resize", () => fit());
    toggle.addEventListener("click", () => set(!isPlaying, replayer.getCurrentTime() >= length ? 0 : replayer.getCurrentTime()));
    at.addEventListener("input", () => set(false, (at.value / 1000) * length));
    byId("speed").addEventListener("change", (event) => replayer.setConfig({ speed: Number(event.target.value) }));
    document.addEventListener("click", (event) => {
      const ms = event.target.closest("[data-jump]")?.dataset.jump;
      if (ms === undefined) return;
      set(true, Math.min(length, Math.max(0, Number(ms) - first - 2000)));
      screen.scrollIntoView({ block: "center" });
    });
    const earliest = events.find((event) => event.type === 2).timestamp - events[0].timestamp + 1;
    const failure = document.querySelector("[data-jump]");
    set(false, Math.max(earliest, failure ? Math.min(length, Number(failure.dataset.jump) - first + 500) : 0));
    fit();
    byId("player").dataset.ready = "yes";
  }

  start().catch((error) => (byId("note").textContent = `The recording can't be shown here: ${error.message}`));
})();
