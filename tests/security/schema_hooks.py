"""What a request must agree with besides the document, put right just before it is sent; see ``schema.py``.

Rules that no schema can say: a time is one (``format`` is an annotation: even an empty text fits it) and within 400 days
of now; a recording's key, and an artifact's, are those an upload was answered with. What is meant to be wrong stays wrong.
"""

from datetime import UTC, datetime
from typing import Any

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    body = case.body
    if not isinstance(body, dict) or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    now = datetime.now(UTC).isoformat()
    if "session" in body:
        body["session"] |= {"startedAt": now, "eventsObjectKey": ""}
    if body.get("generatedAt") is not None:
        body["generatedAt"] = now
    if "artifactType" in body and body["status"] == "ready":
        body["status"] = "skipped"
