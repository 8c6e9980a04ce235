"""How a webhook's receiver knows that a message is ours. docs/alerts.md has the receiver's side."""

import hashlib
import hmac

TIMESTAMP_HEADER = "X-Retrospec-Timestamp"
SIGNATURE_HEADER = "X-Retrospec-Signature"


def signature(key: str, timestamp: str, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256, in hex, of the timestamp, a dot and the body."""
    digest = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"
