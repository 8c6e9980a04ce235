"""What a request must agree with besides the document, put right just before it is sent; see ``schema.py``.

Rules that no schema can say: a time is one (``format`` is an annotation: even an empty text fits it) and within 400 days
of now; a recording's key, and an artifact's, are those an upload was answered with; a cursor is one that a list gave; a mute
ends in one way; a release is named for one issue at a time. What is meant to be wrong stays wrong. The key that asks is never
ended or bound: what follows would be refused.
"""

import os
import re
from datetime import UTC, datetime
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from retrospec.web.api.v2.issues import FACET

OWN_KEY = os.environ.get("RETROSPEC_OWN_KEY", "")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if OWN_KEY and (case.path_parameters or {}).get("key_id") == OWN_KEY:
        case.path_parameters["key_id"] = "key_of-nobody"
    body = case.body
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE and case.query:
        case.query.pop("cursor", None)
        if not re.search(FACET, str(case.query.get("facet", ""))):  # "0" is taken for a fit of the published pattern
            case.query.pop("facet")
    if not isinstance(body, dict) or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    now = datetime.now(UTC).isoformat()
    if body.get("state") != "muted":
        for name in ("muteDays", "muteSessions", "mutePerHour"):
            body.pop(name, None)
    elif "muteDays" in body:
        body.pop("muteSessions", None), body.pop("mutePerHour", None)
    if "keys" in body and body.get("fixIn") == "release":
        body["fixIn"] = "next"
    if "session" in body:
        body["session"] |= {"startedAt": now, "eventsObjectKey": ""}
    if body.get("generatedAt") is not None:
        body["generatedAt"] = now
    if "artifactType" in body and body["status"] == "ready":
        body["status"] = "skipped"
