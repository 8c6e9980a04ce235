"""The published schema of a webhook's body is the one in the guide."""

import json
from pathlib import Path

import msgspec

from retrospec.alerts.messages import Event, Message
from retrospec.shapes.alerts import Alert, AlertEvent, alert_schema

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "alert.v1.schema.json"


def test_the_file_is_what_the_types_say() -> None:
    assert json.loads(GUIDE.read_text("utf-8")) == alert_schema(), "write it anew from alert_schema()"


def test_what_is_sent_has_the_published_fields() -> None:
    for sent, published in ((Message, Alert), (Event, AlertEvent)):
        names = [{field.encode_name for field in msgspec.structs.fields(shape)} for shape in (sent, published)]
        assert names[0] == names[1]
