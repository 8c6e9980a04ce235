"""A search is understood whatever is typed, and says what it did not understand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrospec.domain.search import Query, Term, octaves, words_of
from retrospec.search.parse import parse

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def ask(text: str) -> Query:
    return parse(text, now=NOW)


def only(text: str) -> Term:
    (term,) = ask(text).terms
    return term


def test_a_question_of_every_sort_in_one_line() -> None:
    query = ask('pay route:/checkout release:1.4 person:ada kind:dead_click duration:>60 clicked:"Pay now" saw:"out of stock" tag.plan:pro -browser:firefox since:7d')
    told = [(term.field, term.phrases, term.is_open, term.is_negated) for term in query.terms]
    assert told == [
        ("", (("pay",),), (True,), False),
        ("place", (("checkout",),), (True,), False),
        ("release", (("1", "4"),), (False,), False),
        ("person", (("ada",),), (True,), False),
        ("kinds", (("dead", "click"),), (True,), False),
        ("clicked", (("pay", "now"),), (False,), False),
        ("saw", (("out", "of", "stock"),), (False,), False),
        ("tags", (("plan", "pro"),), (True,), False),
        ("agent", (("firefox",),), (True,), True),
    ]
    assert (query.shortest_ms, query.longest_ms, query.since) == (60_000, None, NOW - timedelta(days=7))
    assert query.complaints == ()


def test_several_values_of_a_field_are_any_of_them() -> None:
    assert only('browser:firefox,"Safari 18"').phrases == (("firefox",), ("safari", "18"))


def test_a_release_is_not_found_in_the_middle_of_another() -> None:
    assert only("release:1.4").at_start
    assert not only("route:checkout").at_start


def test_a_country_is_the_tag_of_that_name() -> None:
    assert only("country:NL").phrases == (("country", "nl"),)


@pytest.mark.parametrize(
    ("typed", "shortest", "longest"),
    [
        ("duration:>60", 60_000, None),
        ("duration:<2m30s", 0, 150_000),
        ("duration:10..60", 10_000, 60_000),
        ("duration:1m-1h", 60_000, 3_600_000),
        ("duration:90", 90_000, None),
        ("-duration:>60", 0, 60_000),
        ("duration:>=1m duration:<5m", 60_000, 300_000),
    ],
)
def test_durations(typed: str, shortest: int, longest: int | None) -> None:
    query = ask(typed)
    assert (query.shortest_ms, query.longest_ms, query.complaints) == (shortest, longest, ())


def test_a_length_is_narrowed_to_the_octaves_it_may_lie_in() -> None:
    assert octaves(ask("duration:60..70")) == ["l6", "l7"]
    assert octaves(ask("pay")) == []


@pytest.mark.parametrize(
    ("typed", "since", "until"),
    [
        ("since:12h", NOW - timedelta(hours=12), None),
        ("since:2026-11-01", datetime(2026, 11, 1, tzinfo=UTC), None),
        ("since:yesterday until:yesterday", datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)),
        ("until:2026-11-20", None, datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_days(typed: str, since: datetime | None, until: datetime | None) -> None:
    query = ask(typed)
    assert (query.since, query.until, query.complaints) == (since, until, ())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("rout:/pay", "There is no rout: to search by"),
        ("duration:soon", "duration: wants a length"),
        ("since:tuesdayish", "since: wants a day"),
        ("status:odd", "status: is one of"),
        ("has:fun", "has: knows"),
        ("since:1d until:3d", "nothing lies between"),
        ("x" * 2_000, "Only the first 1000 letters"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(typed: str, told: str) -> None:
    (complaint,) = ask(typed).complaints
    assert told in complaint
    assert complaint.endswith(".")


def test_an_address_pasted_in_is_words_and_no_fault() -> None:
    query = ask("https://shop.example/pay")
    assert query.complaints == ()
    assert query.terms[0].phrases == (("https", "shop", "example", "pay"),)


def test_status_and_failures() -> None:
    assert ask("status:healthy").statuses == ("discarded",)
    assert ask("has:failures").has_failures is True
    assert ask("-has:failures").has_failures is False
    assert ask("  ").is_empty


@given(st.text(max_size=300) | st.text(alphabet='ab":-.<>,/*0 1dhms=\u00ac', max_size=80))
def test_no_text_is_too_odd(text: str) -> None:
    query = ask(text)
    assert all(words for term in query.terms for words in term.phrases)
    assert all(len(term.phrases) == len(term.is_open) for term in query.terms)
    assert all("\u00ac" not in word and '"' not in word for term in query.terms for words in term.phrases for word in words)


@given(st.sampled_from(["duration", "since", "until", "status", "has", "route", "tag.a", "tag.", "x.y"]), st.text(max_size=40))
def test_nor_any_value_of_a_field(name: str, value: str) -> None:
    ask(f"{name}:{value}")
    ask(f'-{name}:"{value}')


def test_words_are_without_case_and_accents_and_signs_stand_alone() -> None:
    assert words_of("Überweisung FAILED: cart_total=12,50 €") == ["uberweisung", "failed", "cart", "total", "12", "50"]
    assert words_of("支払い") == ["支", "払", "い"]
    assert words_of("") == []
