"""The visit whose payment failed: what was read of it."""

import msgspec

from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Control, Evidence, MarkerKind, Signal
from retrospec.domain.report import Card, Sentence
from retrospec.domain.trace import Effect, Segment, Trace, TraceRow
from retrospec.storage import tables
from retrospec.storage.database import Connection


async def write_pay_card(connection: Connection, session_id: str, marker_ms: int) -> None:
    card = Card(
        symptom=[
            Sentence(
                "Paying fails: after “Pay €64.80” the page says the payment could not be taken.",
                ["a7"],
                7_255,
            )
        ],
        story=[
            Sentence("Filled in name, street, postcode and card.", ["a1", "a4"], 1_153),
            Sentence(
                "Pressed “Pay €64.80” twice; both times an error appeared after 0.9 s.", ["a7", "a8"], 6_329
            ),
            Sentence("Clicked three times beside the form, then left without an order.", ["a9"], 12_919),
        ],
        cause=[Sentence("The server answered the payment with status 500, twice.", ["a7", "a8"], 7_255)],
        look_at=[
            Sentence("Look at the handler of POST /api/orders/:id/pay; it fails for this card type.", ["a7"])
        ],
        visual=[Sentence("The error text appears under the form within a second of the click.", [], 7_255)],
        confidence_reasons=[
            "The error is visible on screen right after the request failed.",
            "It happened twice in a row.",
            "The person did not get through.",
        ],
        dropped=["The card had expired."],
        severity="high",
    )
    finding = Finding(
        id="f1", signal=Signal.HTTP_ERROR, kind=MarkerKind.API_ERROR, t_ms=marker_ms, standing=Standing.CONFIRMED,
        confidence=0.96, outcome=Outcome.BLOCKED, marker_ids=[f"m-{session_id}"], reasons=["An error text followed 12 ms later."],
        refs=["a7", "a8"], label="POST /api/orders/:id/pay → 500",
        evidence=Evidence(signal=Signal.HTTP_ERROR, method="POST", url="/api/orders/8841/pay", status=500),
    )  # fmt: skip
    await connection.execute(
        tables.reports.update()
        .where(tables.reports.c.session_id == session_id)
        .values(
            card=msgspec.to_builtins(card), findings=msgspec.to_builtins([finding]), confidence=0.96,
            technical_root_cause="The server answered the payment with status 500, twice.",
            suggested_fix="Look at the handler of POST /api/orders/:id/pay; it fails for this card type.",
            text_summary="After filling in the form, the person pressed “Pay €64.80” twice; both times the request failed and an error appeared. They left without an order.",
            visual_summary="The error text appears under the form within a second of the click.",
        )
    )  # fmt: skip


def pay_analysis(session_id: str) -> bytes:
    def field(name: str) -> Control:
        return Control(tag="input", role="textbox", name=name, label=name, landmark="Checkout form")

    pay = Control(tag="button", role="button", name="Pay €64.80", landmark="Checkout form")
    failed = [Effect(kind="request", detail="POST /api/orders/:id/pay → 500", after_ms=902)]
    shown = Effect(kind="error_text", detail="We could not take your payment.", after_ms=914)
    rows = [
        TraceRow(ref="a0", t_ms=0, action="navigation", detail="https://shop.example/checkout", flags=["load"]),
        TraceRow(ref="a1", t_ms=1_153, action="input", target=field("Full name")),
        TraceRow(ref="a2", t_ms=2_486, action="input", target=field("Street")),
        TraceRow(ref="a3", t_ms=3_764, action="input", target=field("Postcode")),
        TraceRow(ref="a4", t_ms=4_677, action="input", target=field("Card number")),
        TraceRow(
            ref="a7", t_ms=6_329, action="click", target=pay, effects=[*failed, shown], flags=["error_click"]
        ),
        TraceRow(ref="a8", t_ms=9_709, action="click", target=pay, effects=[*failed, shown]),
        TraceRow(
            ref="a9", t_ms=12_919, action="click", detail="an empty part of the page", flags=["rage_click"]
        ),
    ]
    segment = Segment(index=0, url="https://shop.example/checkout", start_ms=0, end_ms=15_134, seen="exact")
    trace = Trace(duration_ms=15_134, event_count=105, segments=[segment], rows=rows)
    return msgspec.json.encode({"version": 1, "sessionId": session_id, "trace": trace, "visual": None})
