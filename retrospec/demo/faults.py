"""What is broken in the shop on purpose, and how an issue about it is recognised."""

import msgspec

from retrospec.domain.marker import MarkerKind


class Fault(msgspec.Struct, frozen=True):
    """One planted fault."""

    name: str
    title: str
    """For a person, in one line."""
    planted_in: str
    kind: MarkerKind
    """Of the issue it must become."""
    clue: str
    """Part of the label of every marker it leaves, in lower case."""


FAULTS = (
    Fault(
        "dead-button", "“Send me a sample” does nothing: its script listens to a button of another name",
        "shop.js, startTea()", MarkerKind.UI_NO_EFFECT, "sample",
    ),
    Fault(
        "pay-500", "Paying by wallet answers 500", "shop.py, do_POST()", MarkerKind.API_ERROR, "/api/pay",
    ),
    Fault(
        "refused-postcode", "The checkout refuses valid postcodes from abroad: its pattern knows five digits only",
        "checkout.html, postcode", MarkerKind.VALIDATION_FAILED, "postcode",
    ),
    Fault(
        "coupon-crash", "Visitors with the coupon SPRING cannot reach the checkout: TypeError",
        "shop.js, priceAfterCoupon()", MarkerKind.JS_EXCEPTION, "percent",
    ),
)  # fmt: skip
