// A recorded stylesheet as a replay needs it: each selector with :hover once more with the class that the replayer gives to what
// the pointer is over, and media queries about the device ask about the window. Stands in the player's place of a whole CSS parser,
// which took two thirds of the time until a large page's first picture.
const MARKS = /\/\*[^]*?(?:\*\/|$)|"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|url\(\s*[^"'\s)](?:\\[^]|[^)\\])*(?:\)|$)|\\[^]|[{};()[\]]/gi;
const PARTS = /"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|\\[^]|[,()[\]]/g;
const COMMENTS = /\/\*[^]*?(?:\*\/|$)/g;
const DEVICE = /(max|min)-device-(width|height)/g;

export function adaptCss(css) {
  if (!css.includes(":hover") && !css.includes("-device-")) return css;
  const out = [];
  let [from, depth] = [0, 0]; // of what stands before the next brace or semicolon; open brackets in it
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(css); mark; mark = MARKS.exec(css)) {
    const sign = mark[0];
    if (sign === "(" || sign === "[") depth++;
    else if (sign === ")" || sign === "]") depth = Math.max(0, depth - 1);
    else if (sign === "{" || sign === "}" || sign === ";") {
      if (depth && sign !== "{" && sign !== "}") continue;
      depth = 0;
      out.push(adapted(css.slice(from, mark.index), sign), sign);
      from = mark.index + 1;
    }
  }
  return out.join("") + css.slice(from);
}

// ``text``: a selector list, the head of an at-rule or a declaration, by what ends it.
function adapted(text, sign) {
  if (text.trimStart().replace(COMMENTS, "").trimStart().startsWith("@")) return text.replace(DEVICE, "$1-$2");
  if (sign !== "{" || !text.includes(":hover")) return text;
  const hovered = selectorsOf(text.replace(COMMENTS, "")).filter((selector) => selector.includes(":hover"));
  return `${text.trimEnd()}${hovered.map((selector) => `,\n${selector.replace(/:hover/g, ".\\:hover")}`).join("")} `;
}

function selectorsOf(list) {
  const found = [];
  let [from, depth] = [0, 0];
  for (const { 0: sign, index } of list.matchAll(PARTS)) {
    if (sign === "(" || sign === "[") depth++;
    else if (sign === ")" || sign === "]") depth--;
    else if (sign === "," && depth <= 0) {
      found.push(list.slice(from, index).trim());
      from = index + 1;
    }
  }
  return [...found, list.slice(from).trim()];
}
