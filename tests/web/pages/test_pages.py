"""The pages over HTTP, as a browser without scripts sees them."""

import re

import httpx
import pytest

from tests.web.conftest import Visit, Visitor
from tests.web.seeding import INGEST_KEY, PAY_KEY, PAY_SESSION, PROJECT
from tests.web.serving import EMAIL, PASSWORD

ISSUES = f"/p/{PROJECT}/issues"
ISSUE = f"{ISSUES}/{PAY_KEY}"
SESSION = f"/p/{PROJECT}/sessions/{PAY_SESSION}"
PAGES = (ISSUES, ISSUE, f"/p/{PROJECT}/sessions", SESSION, f"/p/{PROJECT}/project")


def live_url(html: str) -> str:
    return re.search(r'hx-get="([^"]+seen=[^"]+)"', html)[1].replace("&amp;", "&")  # type: ignore[index]


def test_a_stranger_is_sent_to_the_sign_in_and_back(stranger: Visitor) -> None:
    for path in PAGES:
        assert str(stranger.get(path).url.path) == "/sign-in"
    asked = stranger.get(f"{ISSUES}?kind=api_error")
    form = re.search(r'name="next" value="([^"]+)"', asked.text)
    assert form is not None
    landed = stranger.send(
        "/sign-in", "/sign-in", email=EMAIL, password=PASSWORD, next=form[1].replace("&amp;", "&")
    )
    assert str(landed.url).endswith(f"{ISSUES}?kind=api_error")


def test_a_strangers_data_requests_get_nothing(stranger: Visitor) -> None:
    for path in (f"{SESSION}/events.json", f"{SESSION}/artifacts/art-analysis"):
        assert stranger.client.get(path, follow_redirects=False).status_code == 303
    partial = stranger.get(ISSUES, HX_Request="true")
    assert (partial.status_code, partial.text) == (401, "")
    assert partial.headers["HX-Redirect"].startswith("/sign-in?next=/p/")


def test_the_login_cookie_is_out_of_scripts_reach_and_signing_out_ends_it(mara: Visitor) -> None:
    cookie = next(cookie for cookie in mara.client.cookies.jar if cookie.name == "retrospec_login")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    kept = cookie.value
    mara.send("/sign-out", ISSUES)
    mara.client.cookies.set("retrospec_login", kept or "")
    assert mara.get(ISSUES).url.path == "/sign-in"


@pytest.mark.parametrize(
    "path", ["/sign-out", "/theme", f"{ISSUE}/state", f"/p/{PROJECT}/keys", f"/p/{PROJECT}/keys/key_1/revoke"]
)
def test_a_form_from_elsewhere_changes_nothing(mara: Visitor, path: str) -> None:
    for fields in ({}, {"form_token": "x"}):
        assert mara.client.post(path, data={**fields, "state": "resolved"}).status_code == 403
    good = {"form_token": mara.token(ISSUES)}
    crossing = mara.client.post(path, data=good, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossing.status_code == 403
    assert "from another site" in crossing.text


def test_guessing_is_slowed_down_and_said(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    answers = [visitor.sign_in(password=f"guess {n}") for n in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many attempts" in answers[-1].text
    assert visitor.sign_in().status_code == 429


def test_every_page_has_a_strict_policy_and_no_inline_script(mara: Visitor) -> None:
    for path in (*PAGES, "/nowhere"):
        answer = mara.get(path)
        policy = answer.headers["Content-Security-Policy"]
        nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
        assert nonce is not None
        tags = re.findall(r"<script[^>]*>[^<]*", answer.text)
        assert all(f'nonce="{nonce[1]}"' in tag and tag.endswith(">") for tag in tags)
        assert not re.search(r"<[^>]+\son[a-z]+=", answer.text)
        assert not re.search(r'<[^>]+\sstyle="', answer.text)
        assert nonce[1] not in mara.get(path).text


def test_the_issues_page_says_what_fails_how_often_and_how_sure(mara: Visitor) -> None:
    text = mara.get(ISSUES).text
    assert "Paying fails with" in text
    assert "Confirmed on screen" in text
    assert "Text-confirmed only" in text
    assert "The newsletter box" not in text  # resolved
    assert "The newsletter box" in mara.get(f"{ISSUES}?state=resolved").text
    assert text.count('class="spark"') == 5


@pytest.mark.parametrize(
    ("query", "shown"),
    [("kind=validation_failed", 1), ("kind=js_exception", 2), ("q=VOUCHER", 1), ("q=%25", 5), ("q=nowhere", 0), ("q=browser:nowhere", 0), ("q=route:/basket", 1), ("q=jonas", 1),
     ("site=shop.example", 5), ("site=other.example", 0), ("state=all", 7), ("state=muted", 1), ("state=nonsense", 5),
     ("span=7d", 5), ("after=nonsense", 5), ("q=%00", 5)],
)  # fmt: skip
def test_issue_filters(mara: Visitor, query: str, shown: int) -> None:
    assert mara.get(f"{ISSUES}?{query}").text.count('class="row-title"') == shown


def test_the_live_part_answers_204_until_something_changes(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.sign_in()
    for path in PAGES:
        page = visitor.get(path)
        if path == SESSION:
            assert "hx-get" not in page.text  # its report is final
            continue
        seen = live_url(page.text)
        again = visitor.get(seen, HX_Request="true")
        assert (again.status_code, again.content) == (204, b"")
        part = visitor.get(path, HX_Request="true")
        assert "<html" not in part.text
        assert "HX-Request" in part.headers["Vary"]
        assert "<html" in visitor.get(path, HX_Request="true", HX_History_Restore_Request="true").text
    seen = live_url(visitor.get(ISSUES).text)
    visitor.send(f"{ISSUE}/state", ISSUE, seen_state="active", state="acknowledged")
    changed = visitor.get(seen, HX_Request="true")
    assert changed.status_code == 200
    assert live_url(changed.text) != seen


def test_an_issue_is_found_by_its_key_escaped_or_not(mara: Visitor) -> None:
    assert mara.get(ISSUE).status_code == 200
    assert mara.get(ISSUE.replace(":", "%3A")).status_code == 200
    assert mara.get(f"{ISSUES}/js_exception:none").status_code == 404
    assert mara.get(f"/p/proj_studio/issues/{PAY_KEY}").status_code == 404


def test_the_sessions_of_an_issue_are_paged_and_filtered(mara: Visitor) -> None:
    first = mara.get(ISSUE).text
    older = re.search(r'href="([^"]+after=[^"]+)"', first)
    assert older is not None
    second = mara.get(older[1].replace("&amp;", "&")).text

    def listed(text: str) -> set[str]:
        return set(re.findall(r'/sessions/(s-[\w-]+)[?"]', text.split('class="list session-list"')[1]))

    assert (len(listed(first)), len(listed(second))) == (25, 16)
    assert not listed(first) & listed(second)
    discarded = mara.get(f"{ISSUE}?status=discarded").text
    assert len(listed(discarded)) == 7
    assert len(listed(mara.get(f"{ISSUE}?confidence=0.93").text)) < 25


def test_a_team_moves_an_issue_through_its_states(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.sign_in()

    def move(seen: str, to: str, **more: str) -> httpx.Response:
        return visitor.send(f"{ISSUE}/state", ISSUE, seen_state=seen, state=to, back=ISSUE, **more)

    assert (
        "Acknowledged"
        in move("active", "acknowledged", assignee="Priya", note="With the bank since Monday").text
    )
    assert "With the bank since Monday" in visitor.get(ISSUE).text
    late = move("active", "resolved")
    assert late.status_code == 409
    assert "Someone changed this issue" in late.text
    assert "muted until" in move("acknowledged", "muted", mute_for="7d").text
    assert "Reopen" in visitor.get(ISSUE).text
    for seen, to in (
        ("muted", "active"),
        ("active", "resolved"),
        ("resolved", "active"),
        ("active", "archived"),
    ):
        assert move(seen, to).status_code == 200
    assert "Paying fails" not in visitor.get(ISSUES).text
    assert move("archived", "nonsense").status_code == 400


@pytest.mark.parametrize(
    ("query", "shown"),
    [("status=failed", 0), ("route=/about", None), ("person=customer-20418", None), ("person=nobody", 0), ("markers=yes", None)],
)  # fmt: skip
def test_session_filters(mara: Visitor, query: str, shown: int | None) -> None:
    text = mara.get(f"/p/{PROJECT}/sessions?{query}").text
    rows = re.findall(r'class="row-title"[^>]*>([^<]+)<', text)
    if shown is not None:
        assert len(rows) == shown
        assert "No session fits" in text
        return
    assert rows
    if query.startswith("route"):
        assert set(rows) == {"shop.example/about"}
    if query.startswith("markers"):
        assert '<span class="muted">None</span>' not in text


def test_the_session_page_holds_report_story_and_failures_as_plain_links(mara: Visitor) -> None:
    text = mara.get(f"{SESSION}?t=7255").text
    for shown in ("Paying fails: after", "Look at the handler of <code>POST /api/orders/:id/pay</code>", "Clicked “Pay €64.80” button in Checkout form",
                  "error shown: We could not take your payment.", "The card had expired.", "Rendering is off.",
                  "POST /api/orders/8841/pay → 500", "Part of another"):  # fmt: skip
        assert shown in text
    assert 'data-start="7255"' in text
    assert text.count('href="?t=6329"') >= 3
    assert mara.get(f"{SESSION}?t=nonsense").status_code == 200


def test_a_session_still_to_be_read_says_so_and_asks_again(mara: Visitor) -> None:
    text = mara.get(f"/p/{PROJECT}/sessions/s-quiet-0").text
    assert "Still being recorded" in text
    assert 'data-live="3"' in text


def test_events_stream_as_one_array_and_a_lost_chunk_is_named(mara: Visitor) -> None:
    events = mara.get(f"{SESSION}/events.json?form=raw").json()
    assert len(events) == 105
    assert {events[0]["type"], events[1]["type"]} == {4, 2}
    assert mara.get(f"/p/{PROJECT}/sessions/s-quiet-3/events.json").json() == []
    assert mara.get(f"/p/proj_studio/sessions/{PAY_SESSION}/events.json").status_code == 404


def test_files_are_served_sealed(mara: Visitor) -> None:
    answer = mara.get(f"{SESSION}/artifacts/art-analysis")
    assert answer.json()["sessionId"] == PAY_SESSION
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert mara.get(f"{SESSION}/artifacts/art-video").status_code == 404  # skipped
    assert mara.get(f"{SESSION}/artifacts/..%2f..%2fretrospec.db").status_code == 404


def test_keys_are_made_shown_once_and_revoked(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.sign_in()
    project = f"/p/{PROJECT}/project"
    assert INGEST_KEY in visitor.get(project).text
    made = visitor.send(f"/p/{PROJECT}/keys", project, name="Reports", read="yes", admin="yes")
    secret = re.search(r'id="new-key">(rs_\w+)<', made.text)
    assert secret is not None
    assert made.headers["Cache-Control"] == "no-store"
    after = visitor.get(project).text
    assert secret[1] not in after
    assert secret[1][:10] in after
    public = visitor.send(f"/p/{PROJECT}/keys", project, name="Blog", ingest="yes").text
    shown = re.search(r'id="new-key">(rs_\w+)<', public)
    assert shown is not None and shown[1] in visitor.get(project).text
    assert "Tick at least one" in visitor.send(f"/p/{PROJECT}/keys", project, name="None").text
    assert visitor.send("/p/proj_studio/keys/key_1/revoke", project).status_code == 404
    assert "ended key" in visitor.send(f"/p/{PROJECT}/keys/key_1/revoke", project).text


def test_an_empty_project_teaches_what_to_do(empty_url: str, visit: Visit) -> None:
    visitor = visit(empty_url)
    visitor.sign_in()
    for path in (ISSUES, f"/p/{PROJECT}/sessions"):
        text = visitor.get(path).text
        assert "Waiting for the first session" in text
        assert f"data-key=&#34;{INGEST_KEY}&#34;" in text
        assert f"{empty_url}/sdk.js" in text
    assert "No session yet: waiting" in visitor.get(f"/p/{PROJECT}/project").text


def test_errors_help(mara: Visitor) -> None:
    missing = mara.get(f"/p/{PROJECT}/sessions/nowhere")
    assert missing.status_code == 404
    assert "Sessions are kept for a limited time" in missing.text
    assert mara.get("/p/elsewhere/issues").status_code == 404
    assert "Back to the issues" in mara.get("/no/such/address").text


def test_assets_are_kept_for_ever_under_their_version_only(stranger: Visitor) -> None:
    text = stranger.get("/sign-in").text
    for address in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', text)):
        answer = stranger.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    old = stranger.get("/static/0123456789ab/base.css")
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")
    assert stranger.get("/static/x/..%2F..%2Fpyproject.toml").status_code == 404
    assert stranger.get("/static/x/nothing.css").status_code == 404


def test_what_a_browser_sent_is_shown_as_text(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.sign_in()
    bad = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
    visitor.send(
        f"{ISSUE}/state", ISSUE, seen_state="active", state="active", assignee=bad, note=f"</textarea>{bad}"
    )
    for path in (ISSUES, ISSUE, f"{ISSUES}?q={bad}", f"/p/{PROJECT}/sessions?route={bad}&person={bad}"):
        text = visitor.get(path).text
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert "&lt;img src=x" in text


def test_a_replay_is_linked_only_where_one_is_stored(mara: Visitor) -> None:
    rows = mara.get(ISSUE).text.split('class="list session-list"')[1].split('<li class="row">')[1:]
    bare = [row for row in rows if "No replay" in row]
    assert 1 <= len(bare) < len(rows)
    assert all('title="No recording arrived"' in row and "&t=" not in row for row in bare)
    assert all("&t=" in row for row in rows if row not in bare)
    session = re.search(r'/sessions/(s-[\w-]+)[?"]', bare[0])
    assert session is not None
    page = mara.get(f"/p/{PROJECT}/sessions/{session[1]}").text
    assert 'data-absent="no recording arrived"' in page
    assert "Stored without replay: no recording arrived." in page
