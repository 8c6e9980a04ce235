"""The demo's faults in two builds with other bundle hashes and in two browsers' formats: one issue each."""

from typing import Any

from tests.conftest import Client, marker, wait_for

CHROME, FIREFOX = "chrome", "firefox"
BUILDS = {"Q2w6Zjyy": ("f", "Zt", 4_164), "USw6ZjJo": ("w", "Oo", 9_875)}
"""By bundle hash: the minifier's names and where the coupon's line went."""


def _stack(browser: str, text: str, build: str) -> str:
    top, caller, column = BUILDS[build]
    file = f"https://kettle.example/assets/index-{build}.js"
    if browser == CHROME:
        return f"{text}\n    at {top} ({file}:1:{column})\n    at {caller} ({file}:1:{column + 900})"
    return f"{top}@{file}:1:{column + 9}\n{caller}@{file}:1:{column + 909}\n"


def _coupon_crash(browser: str, build: str) -> dict[str, Any]:
    text = "Cannot read properties of undefined (reading 'percent')"
    if browser == FIREFOX:
        text = f"can't access property \"percent\", {BUILDS[build][0]} is undefined"
    stack = _stack(browser, f"TypeError: {text}", build)
    evidence = {"signal": "exception", "type": "TypeError", "message": text, "stack": stack}
    return marker("coupon", label=f"TypeError: {text}", evidence=evidence)


def _faults(browser: str, build: str, number: int) -> list[dict[str, Any]]:
    refusal = {CHROME: "Please match the requested format.", FIREFOX: "Bitte entsprechen Sie dem geforderten Format."}
    pay = {"signal": "http_error", "method": "POST", "url": f"https://kettle.example/api/pay/{number}?t={number}", "status": 500 + number % 2 * 2}
    postcode = {"signal": "validation_refused", "form": "address", "rule": "patternMismatch", "validationMessage": refusal[browser],
                "control": {"tag": "input", "selector": "#postcode", "name": "Postcode"}}  # fmt: skip
    sample = {"signal": "rage_click", "count": 3 + number, "control": {"tag": "button", "role": "button", "name": "Send me a sample", "selector": f".css-{build}"}}
    return [
        _coupon_crash(browser, build),
        marker("pay", kind="api_error", label=f"POST /api/pay/{number} returned {pay['status']}", evidence=pay, replayOffsetMs=20_000),
        marker("postcode", kind="validation_failed", label="Validation failed: #postcode", evidence=postcode, replayOffsetMs=40_000),
        marker("sample", kind="ui_no_effect", label="Rage click on Send me a sample", evidence=sample, replayOffsetMs=60_000),
    ]  # fmt: skip


def test_four_faults_are_four_issues_in_any_build_and_browser(client: Client) -> None:
    visits = [(browser, build) for build in BUILDS for browser in (CHROME, FIREFOX)] * 2
    for number, (browser, build) in enumerate(visits):
        client.send(f"visit-{number}", *_faults(browser, build, number), site="kettle.example", durationMs=80_000)
    for number in range(len(visits)):
        assert client.judged(f"visit-{number}")["reportCard"]["status"] == "ready"

    def all_counted() -> Any:
        found = client.http.get("/v1/issues?state=active").json()["issues"]
        return found if sum(issue["sessionCount"] for issue in found) >= 4 * len(visits) else None

    issues = wait_for(all_counted)
    assert sorted((issue["key"].partition(":")[0], issue["sessionCount"]) for issue in issues) == [
        ("api_error", 8), ("js_exception", 8), ("ui_no_effect", 8), ("validation_failed", 8),
    ]  # fmt: skip
    crash = next(issue["key"] for issue in issues if issue["key"].startswith("js_exception"))
    keys = {m["clusterKey"] for n in range(len(visits)) for m in client.session(f"visit-{n}")["markers"] if m["kind"] == "js_exception"}
    assert len(keys) > 1
    for key in keys:
        sessions = client.http.get(f"/v1/issues/{key}/sessions").json()["sessions"]
        assert {one["sessionId"] for one in sessions} == {f"visit-{n}" for n in range(len(visits))}, (key, crash)
