"""An issue is as sure as its surest session, however many there are and in whatever order."""

from itertools import permutations

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.tally import add_sighting
from retrospec.storage.issues import Sighting, Tally

NOW = utc_now()


def sighting(name: str, confidence: float, basis: str = "text") -> Sighting:
    return Sighting(
        project_id="p", cluster_key="js_exception:1", session_id=name, person_key=name, kind=MarkerKind.JS_EXCEPTION,
        title="TypeError", symptom=f"seen by {name}", severity="medium", confidence=confidence, basis=basis,
        marker_count=1, first_observed_at=NOW, last_observed_at=NOW, jump_ms=0,
    )  # fmt: skip


def tallied(*sightings: Sighting) -> Tally:
    tally: Tally | None = None
    for each in sightings:
        if tally is not None:
            tally.issue.session_count += 1
            tally.issue.user_count += 1
        tally = add_sighting(tally, each, PromoteSettings(), NOW)
    assert tally is not None
    return tally


def test_many_weak_sessions_do_not_make_a_sure_issue() -> None:
    tally = tallied(*(sighting(f"s{n}", 0.65) for n in range(50)))
    assert tally.issue.confidence == 0.65


def test_the_order_of_arrival_does_not_matter_for_confidence_and_basis() -> None:
    sessions = [sighting("a", 0.7), sighting("b", 0.9), sighting("c", 0.8, "visual")]
    ends = {(t.issue.confidence, t.issue.basis) for t in (tallied(*some) for some in permutations(sessions))}
    assert ends == {(0.9, "visual")}


def test_it_is_shown_from_the_second_session_on() -> None:
    assert tallied(sighting("a", 0.7)).promoted_at is None
    assert tallied(sighting("a", 0.7), sighting("b", 0.7)).promoted_at == NOW
