// What the Session page says beside the picture: the current rows, the story's search, and what is missing.
const FRAME_MS = 30; // changes closer than this are one frame to a person
const LOOKS_WORDS = { image: ["picture", "pictures"], font: ["font", "fonts"], style: ["stylesheet", "stylesheets"] };
const STILL = new Set([1, 6, 12, 14]); // moves, drags and selections change no picture
const byId = (id) => document.getElementById(id);

// The last row at or before the playhead is the current one.
export function markCurrent(rows, ms, lead) {
  let current = null;
  for (const row of rows) if (row.ms - lead <= ms + 50 && (!lead || ms <= row.ms + 4000)) current = row;
  for (const row of rows) row.item.toggleAttribute("data-now", row === current);
}

// Moments at which something on the page changed.
export function framesOf(tape, zero) {
  const frames = [];
  for (const event of tape.events) {
    const isPicture = event.type === 2 || (event.type === 3 && !STILL.has(event.data?.source));
    const ms = event.timestamp - zero;
    if (isPicture && ms - (frames.at(-1) ?? -FRAME_MS) >= FRAME_MS) frames.push(ms);
  }
  return frames;
}

export function filterStory() {
  const words = byId("story-words")?.value.trim().toLowerCase() ?? "";
  for (const item of document.querySelectorAll(".story > li")) item.hidden = Boolean(words) && !item.textContent.toLowerCase().includes(words);
}

export function say(text) {
  byId("screen-warning").textContent = text;
  byId("screen-warning").hidden = false;
}

// What the recorded page loaded from its site and the vault has no copy of.
export function sayLooks(counts) {
  const parts = Object.entries(LOOKS_WORDS)
    .filter(([sort]) => counts[sort] > 0)
    .map(([sort, [one, many]]) => `${counts[sort]} ${counts[sort] === 1 ? one : many}`);
  const told = byId("looks-note");
  told.textContent = `Not stored with this session, so not shown: ${parts.join(", ").replace(/, ([^,]*)$/, " and $1")} of the page.`;
  told.hidden = false;
}
