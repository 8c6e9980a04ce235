// "12 min ago" grows older while the page is open. The same words as words.py.
const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86_400, 3600, "h"], [30 * 86_400, 86_400, "d"]];

export function ago(then, now) {
  const seconds = (now - then) / 1000;
  if (seconds < 10) return "just now";
  for (const [limit, unit, name] of STEPS) if (seconds < limit) return `${Math.floor(seconds / unit)} ${name} ago`;
  return "";
}

export function tellTimes(root) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[datetime]")) {
    if (!/ ago$|^just now$/.test(time.textContent)) continue;
    const words = ago(Date.parse(time.dateTime), now);
    if (words && words !== time.textContent) time.textContent = words;
  }
}

// 65000 → "1:05"
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
