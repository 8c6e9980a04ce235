import msgspec
import pytest
from click.testing import CliRunner

from retrospec.bench.ingest import Load, percentile, run_load
from retrospec.cli.bench import bench
from tests.bench.stub_server import StubServer


async def test_every_session_is_uploaded_then_ingested_with_a_marker_inside_it(stub: StubServer) -> None:
    outcome = await run_load(Load(stub.url, "right", sessions=30, concurrency=4, size_bytes=20_000))

    assert outcome.failures == 0
    assert outcome.report_statuses == {"ready": 30}
    assert outcome.loop_lag_max_ms == 12
    assert outcome.cpu_s is not None  # the stub's process was found by its port
    assert len(stub.uploads) == len(stub.ingested) == 30
    for call in stub.ingested:
        session, (marker,) = call["session"], call["markers"]
        assert session["eventsObjectKey"] == f"session-events/{session['id']}.json"
        assert len(stub.uploads[session["id"]]) > 5
        assert 0 < marker["replayOffsetMs"] < session["durationMs"]


async def test_without_a_size_a_recording_is_the_bare_two_events(stub: StubServer) -> None:
    await run_load(Load(stub.url, "right", sessions=3))

    for events in stub.uploads.values():
        assert [sorted(event) for event in events] == [["timestamp", "type"]] * 2
        assert [event["type"] for event in events] == [2, 3]


async def test_recordings_alone_are_neither_ingested_nor_waited_for(stub: StubServer) -> None:
    outcome = await run_load(Load(stub.url, "right", sessions=6, concurrency=2, recordings_alone=True))

    assert (len(stub.uploads), stub.ingested, stub.polls) == (6, [], {})
    assert (outcome.failures, outcome.report_statuses, outcome.still_pending) == (0, {}, 0)


async def test_refused_sessions_are_counted_and_shown(stub: StubServer) -> None:
    stub.refuse_every = 5
    outcome = await run_load(Load(stub.url, "right", sessions=20, concurrency=3))

    assert outcome.failures == 4
    assert outcome.failure_samples == ['ingest: 500 {"error": "planted"}']
    assert sum(outcome.report_statuses.values()) == 16


async def test_connections_are_kept_unless_the_server_ends_them(stub: StubServer) -> None:
    await run_load(Load(stub.url, "right", sessions=20, concurrency=3))
    assert stub.connections == 4  # three workers, and one that asks for reports

    stub.says_goodbye = True
    outcome = await run_load(Load(stub.url, "right", sessions=5, concurrency=1))
    assert outcome.failures == 0


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (95, 10), (99, 10), (10, 1)])
def test_percentiles_are_values_that_were_measured(percent: float, expected: float) -> None:
    assert percentile([float(n) for n in range(1, 11)], percent) == expected


def test_a_server_that_is_not_there_is_one_clear_sentence() -> None:
    result = CliRunner().invoke(bench, ["ingest", "--url", "http://127.0.0.1:1", "--key", "k"])
    assert result.exit_code == 1
    assert "http://127.0.0.1:1 does not answer" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "options", [[], ["--url", "http://127.0.0.1:1"], ["--spawn", "--url", "http://127.0.0.1:1"]]
)
def test_contradicting_options_are_explained(options: list[str]) -> None:
    result = CliRunner(env={"RETROSPEC_KEY": ""}).invoke(bench, ["ingest", *options])
    assert result.exit_code == 2
    assert "--key" in result.output


def test_the_outcome_is_json_for_programs() -> None:
    from retrospec.bench.ingest import Outcome

    fields = {field.name for field in msgspec.structs.fields(Outcome)}
    assert {"sessions_per_s", "mb_per_s", "p99_ms", "cpu_ms_per_mb", "resident_peak_mb", "drain_s"} <= fields
