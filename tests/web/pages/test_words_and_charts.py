"""The pure parts: words, charts, safe paths, policy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Request

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.marker import Control
from retrospec.domain.trace import Effect, TraceRow
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.web.pages import charts, words
from retrospec.web.pages.guard import local_path
from retrospec.web.pages.issue_work import Breakdown, Share, met_words
from retrospec.web.pages.policy import Styles, content_security_policy
from retrospec.web.pages.rendering import url_with, urls_asking
from retrospec.web.pages.story import read_story, tell

NOW = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("back", "said"),
    [(timedelta(seconds=3), "just now"), (timedelta(seconds=59), "59 s ago"), (timedelta(minutes=12), "12 min ago"),
     (timedelta(hours=23, minutes=59), "23 h ago"), (timedelta(days=29), "29 d ago"), (timedelta(days=40), "14 Oct 2026")],
)  # fmt: skip
def test_times_are_humane(back: timedelta, said: str) -> None:
    assert words.ago(NOW - back, NOW) == said


def test_durations_counts_and_sizes() -> None:
    assert [words.clock(ms) for ms in (0, 65_000, 3_605_000)] == ["0:00", "1:05", "1:00:05"]
    assert [words.tenths(ms) for ms in (0, 65_399, 3_605_990)] == ["0:00.0", "1:05.3", "1:00:05.9"]
    assert [words.lasting(ms) for ms in (42_000, 185_000, 4_800_000)] == ["42 s", "3 min 05 s", "1 h 20 min"]
    assert words.count(12_400) == "12\u202f400"
    assert words.plural(1, "session") == "1 session"
    assert [words.size(n) for n in (840, 12_300, 3_400_000)] == ["840 B", "12 KB", "3.4 MB"]


def test_a_trend_keeps_every_count_and_puts_the_present_last() -> None:
    hour = to_epoch_ms(NOW) // charts.HOUR_MS
    for span in charts.SPANS:
        counts = {hour: 4, hour - span.hours + 1: 2, hour - span.hours: 9}
        trend = charts.trend(counts, span, NOW, width=96, height=24)
        assert len(trend.bars) == span.hours // span.step_hours
        assert (trend.total, trend.bars[-1].count, trend.bars[0].count) == (6, 4, 2)
        assert trend.bars[-1].starts_at <= NOW < trend.bars[-1].ends_at
        assert all(0 <= bar.y <= 24 and bar.x + bar.width <= 96 for bar in trend.bars)


@pytest.mark.parametrize("text", ["", "~", "x~y", "99999999999999999~y", f"1~{'k' * 201}"])
def test_a_cursor_of_nonsense_is_the_first_page(text: str) -> None:
    assert read_cursor(text) is None


def test_a_cursor_survives_its_address() -> None:
    cursor = Cursor(NOW, "js_exception:a~b")
    assert read_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example/", "evil", "", "/a\nb", "/\\/x"]
)
def test_a_way_back_never_leads_elsewhere(path: str) -> None:
    assert local_path(path) == "/"


def test_a_way_back_keeps_its_query() -> None:
    assert local_path("/p/a/issues?kind=api_error") == "/p/a/issues?kind=api_error"


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    for styles in Styles:
        policy = dict(part.split(" ", 1) for part in content_security_policy("abc", styles).split("; "))
        assert policy["script-src"] == "'nonce-abc'"
        assert policy["default-src"] == policy["frame-src"] == policy["object-src"] == "'none'"
        sources = {source for value in policy.values() for source in value.split()}
        assert sources <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:", "'nonce-abc'"}
    assert "unsafe-inline" not in content_security_policy("abc", Styles.OWN)


def test_a_trace_row_reads_like_a_sentence() -> None:
    row = TraceRow(
        ref="a1", t_ms=5, action="click", target=Control(tag="button", role="button", name="Pay", landmark="Basket"),
        effects=[Effect(kind="error_text", detail="No.", after_ms=80)],
    )  # fmt: skip
    told = tell(row)
    assert told.text == "Clicked “Pay” button in Basket"
    assert told.is_failure
    assert told.effects[0].text == "error shown: No."


@pytest.mark.parametrize("document", [b"", b"[]", b'{"trace": 3}', b'{"trace": {"rows": [{}]}}'])
def test_an_analysis_that_cannot_be_read_is_said(document: bytes) -> None:
    assert read_story(document)[0].cut


def test_an_analysis_without_a_trace_is_an_empty_story() -> None:
    assert read_story(b'{"version": 1}')[0].rows == []


def test_a_rows_paths_are_the_charts_bars() -> None:
    hour = to_epoch_ms(NOW) // charts.HOUR_MS
    for span in charts.SPANS:
        counts = {hour: 4, hour - 3: 1, hour - span.hours + 1: 9, hour - span.hours - 5: 100, hour + 1: 50}
        trend = charts.trend(counts, span, NOW, width=96, height=24)
        spark = charts.spark(counts, span, NOW, width=96, height=24)
        drawn = {
            is_empty: "".join(f"M{bar.x:g} {bar.y:g}h{bar.width:g}v{bar.height:g}h-{bar.width:g}z" for bar in trend.bars if (bar.count == 0) == is_empty)
            for is_empty in (True, False)
        }
        assert (spark.filled, spark.empty) == (drawn[False], drawn[True])
        assert spark.total == trend.total == 14
        assert 0 < spark.filled.count("M") < spark.empty.count("M")


@pytest.mark.parametrize("query", ["", "q=old&state=all", "span=7d&q=old", "after=x&seen=y&kind=api_error&route=/a"])
def test_addresses_of_many_searches_are_as_each_alone(query: str) -> None:
    request: Any = Request({"type": "http", "method": "GET", "path": "/p/x/issues", "query_string": query.encode(), "headers": []})
    ask = urls_asking(request, route="")
    for text in ("", "pay now", 'clicked:"Pay" -os:x', "100 % ü & =+"):
        assert ask(text) == url_with(request, route="", q=text)


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Look at <button id=\"a\"> on /tea.", "Look at <code>&lt;button id=&#34;a&#34;&gt;</code> on /tea."),
        ("Check the server's side of POST /api/pay.", "Check the server&#39;s side of <code>POST /api/pay</code>."),
        ("Start at pay (shop.js:41).", "Start at <code>pay (shop.js:41)</code>."),
        ("“Pay” (button#pay) & more <script>", "“Pay” (<code>button#pay</code>) &amp; more <code>&lt;script&gt;</code>"),
        ("1 < 2 and 3 > 2, see #3", "1 &lt; 2 and 3 &gt; 2, see #3"),
    ],
)
def test_what_stands_in_the_code_is_set_as_code_and_everything_is_escaped(sentence: str, shown: str) -> None:
    assert words.coded(sentence) == shown


def test_whom_an_issue_hits_is_told_in_a_line() -> None:
    blocked, unknown = Share(value="did not get through", count=2, share=1.0), Share(value="how it ended is not known", count=2, share=1.0)
    pages = Breakdown(title="Page", values=[Share(value="/a", count=1, share=0.5), Share(value="/b", count=1, share=0.5)], more=0)
    browsers = Breakdown(title="Browser", values=[Share(value=name, count=1, share=0.4) for name in ("Chrome", "Safari", "Firefox")], more=0)
    assert met_words(2, [blocked], [pages, browsers]) == "2 people, on /a and /b, with Chrome 40\u202f%. 100\u202f% did not get through."
    assert met_words(1, [unknown], [pages]) == "1 person, on /a and /b."
    assert met_words(1, [unknown], []) == ""
