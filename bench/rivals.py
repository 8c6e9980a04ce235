"""The rivals' published packages, installed at run time into ``build/bench`` and pointed at a dead end on loopback.

Versions are pinned in ``rivals.json``. Each is set up to record sessions, as its documentation says; where that needs an
answer of its server (PostHog's remote configuration, OpenReplay's start), the dead end gives one.
"""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

import hatch_build

HERE = Path(__file__).parent
BUILD = hatch_build.ROOT / "build" / "bench"
MODULES = BUILD / "rivals"

SENTRY = """import * as Sentry from "@sentry/browser";
Sentry.init({ dsn: location.origin.replace("//", "//key@") + "/dead/1", integrations: [Sentry.replayIntegration({ stickySession: false })],
  replaysSessionSampleRate: 1, replaysOnErrorSampleRate: 1 });"""
POSTHOG = """import posthog from "posthog-js"; import "posthog-js/dist/posthog-recorder";
posthog.init("phc_dead", { api_host: location.origin + "/dead", disable_external_dependency_loading: true, autocapture: true, opt_out_useragent_filter: true,
  session_recording: { maskAllInputs: true } });"""
OPENREPLAY = """import Tracker from "@openreplay/tracker";
new Tracker({ projectKey: "dead", ingestPoint: location.origin + "/dead", __DISABLE_SECURE_MODE: true }).start().catch(() => {});"""
CLARITY = """import { clarity } from "clarity-js";
clarity.start({ projectId: "dead", upload: location.origin + "/dead/clarity", content: true, track: true });"""
RIVALS = {"sentry": SENTRY, "posthog": POSTHOG, "openreplay": OPENREPLAY, "clarity": CLARITY}

ANSWERS: dict[str, Any] = {
    "/dead/flags": {"featureFlags": {}, "sessionRecording": {"endpoint": "/s/", "sampleRate": None}, "supportedCompression": ["gzip-js"]},
    "/dead/array": {"sessionRecording": {"endpoint": "/s/", "sampleRate": None}, "supportedCompression": ["gzip-js"], "hasFeatureFlags": False},
    "/dead/v1/web/start": {"token": "t", "userUUID": "u", "projectID": "1", "sessionID": "1", "beaconSizeLimit": 1_000_000, "timestamp": 1, "delay": 0, "startTimestamp": 1},
}


def install() -> dict[str, Path]:
    """Name → bundle of each rival that could be installed and bundled; says which could not."""
    MODULES.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "dependencies": json.loads((HERE / "rivals.json").read_text())}
    (MODULES / "package.json").write_text(json.dumps(wanted))
    npm = hatch_build.node_command("npm")
    hatch_build.run([*npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], MODULES)
    bundles = {}
    for name, code in RIVALS.items():
        entry, out = MODULES / f"{name}.js", BUILD / f"{name}.js"
        entry.write_text(code)
        try:
            hatch_build.bundle(hatch_build.ROOT, [str(entry), "--format=iife", "--target=es2022", f"--outfile={out}"])
        except hatch_build.BuildFailed as reason:
            print(f"{name}: not measured, it does not bundle: {str(reason)[:300]}")
            continue
        bundles[name] = out
    return bundles


def answer(route: Route) -> None:
    """A server of theirs that takes everything and answers just enough to keep them recording."""
    for path, given in ANSWERS.items():
        if path in route.request.url:
            return route.fulfill(json=given)
    return route.fulfill(json={"status": 1})


def serve(page: Page, sent: list[int]) -> None:
    """Routes the dead end and the bundles for ``page``; ``sent`` gathers the size of each body that a rival sends."""

    def dead_end(route: Route) -> None:
        sent.append(len(route.request.post_data_buffer or b""))
        answer(route)

    page.route("**/dead/**", dead_end)
    page.route("**/rival/*", lambda route: route.fulfill(body=(BUILD / route.request.url.rsplit("/", 1)[-1]).read_bytes(), content_type="text/javascript"))
