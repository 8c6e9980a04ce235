"""The bucket's own rule that ends uploads in parts which nobody finished: only the store sees those (docs/adr/0045).

obstore reads and writes objects, not a bucket's rules, so these two requests are signed here (AWS Signature Version 4).
"""

import base64
import hashlib
import hmac
import http.client
import os
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs
from xml.etree import ElementTree

import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Outage, RetroSpecError, SettingsError
from retrospec.domain.web_address import address_parts

RULE_ID = "retrospec-unfinished-uploads"
AFTER_DAYS = 2
DEADLINE_S = 10.0
LARGEST_ANSWER_BYTES = 1_000_000
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_QUERY = "lifecycle="
_BY_HAND = "Set blobs.lifecycle = false; unfinished uploads then stay until somebody ends them (docs/scale.md)."

EXPIRES = "The bucket expires objects by age: pinned sessions will lose their recordings."
log = structlog.get_logger()


class Rules(NamedTuple):
    """What a bucket does by itself with what lies below a prefix."""

    ends_uploads: bool
    expires_objects: bool
    """By age, which RetroSpec does not know of: pinned sessions would lose their recordings."""


class _Bucket(NamedTuple):
    endpoint: str
    name: str
    prefix: str
    region: str
    key_id: str
    secret: str
    token: str


def look(url: str) -> Rules:
    """The rules of the bucket of ``blobs.url``. Raises Outage, and SettingsError where they cannot be asked for."""
    bucket = _bucket_of(url)
    return _judged(_read(bucket), bucket.prefix)


def set_rule(url: str) -> Rules:
    """See that unfinished uploads end, beside all rules there are. Raises Outage, and SettingsError where rules cannot be set."""
    bucket = _bucket_of(url)
    tree = _read(bucket)
    if not _judged(tree, bucket.prefix).ends_uploads:
        tree.append(_our_rule(bucket.prefix))
        _ask(bucket, "PUT", ElementTree.tostring(tree))
        tree = _read(bucket)
    found = _judged(tree, bucket.prefix)
    if not found.ends_uploads:
        raise Outage("The bucket took the rule that ends unfinished uploads, and does not have it.", hint=_BY_HAND)
    return found


def keep_rule(url: str) -> None:
    """``set_rule`` beside a start: what does not come of it is said in the log, and by ``retrospec doctor``."""
    try:
        found = set_rule(url)
    except RetroSpecError as error:
        log.warning("bucket_rule_not_set", reason=str(error), hint=error.hint)
        return
    if found.expires_objects:
        log.warning("bucket_expires_objects", reason=EXPIRES)


def _bucket_of(url: str) -> _Bucket:
    parts = address_parts(url)
    given = {name.removeprefix("aws_"): values[-1] for name, values in parse_qs(parts.query).items()}
    region = given.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    key_id = given.get("access_key_id") or os.environ.get("AWS_ACCESS_KEY_ID", "")
    secret = given.get("secret_access_key") or os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if parts.scheme != "s3" or not key_id or not secret:
        raise SettingsError(
            "The bucket's rules can be asked for with an access key alone, and blobs.url has none.",
            hint=_BY_HAND,
        )
    endpoint = given.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
    token = given.get("session_token") or os.environ.get("AWS_SESSION_TOKEN", "")
    return _Bucket(endpoint, parts.netloc, parts.path.strip("/"), region, key_id, secret, token)


def _read(bucket: _Bucket) -> ElementTree.Element:
    status, body = _ask(bucket, "GET", b"", also=(404,))
    if status == 404 and b"NoSuchLifecycleConfiguration" not in body:
        raise Outage("The blob store has no such bucket.", hint="Make it, or correct blobs.url.")
    if status == 404:
        return ElementTree.Element(f"{{{_NAMESPACE}}}LifecycleConfiguration")
    try:
        tree = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise Outage("The blob store's answer about the bucket's rules is no XML.") from error
    if not tree.tag.endswith("LifecycleConfiguration"):  # a server that does not know the question lists the bucket
        raise Outage("The blob store does not know rules of a bucket.", hint=_BY_HAND)
    return tree


def _judged(tree: ElementTree.Element, prefix: str) -> Rules:
    ours = [rule for rule in tree.findall("{*}Rule") if rule.findtext("{*}Status") == "Enabled" and _covers(rule, prefix)]
    ends = any(rule.find("{*}AbortIncompleteMultipartUpload") is not None for rule in ours)
    return Rules(ends, any(rule.find("{*}Expiration/{*}Days") is not None or rule.find("{*}Expiration/{*}Date") is not None for rule in ours))


def _covers(rule: ElementTree.Element, prefix: str) -> bool:
    """Whether it holds for everything below ``prefix``: narrowed by no tag or size, and to no prefix within."""
    if rule.find("{*}Filter/{*}And") is not None or rule.find("{*}Filter/{*}Tag") is not None:
        return False
    narrowed = rule.findtext("{*}Filter/{*}Prefix") or rule.findtext("{*}Prefix") or ""
    return f"{prefix}/".startswith(narrowed) or not narrowed


def _our_rule(prefix: str) -> ElementTree.Element:
    rule = ElementTree.Element(f"{{{_NAMESPACE}}}Rule")

    def put(parent: ElementTree.Element, name: str, said: str = "") -> ElementTree.Element:
        made = ElementTree.SubElement(parent, f"{{{_NAMESPACE}}}{name}")
        made.text = said
        return made

    put(rule, "ID", RULE_ID if not prefix else f"{RULE_ID}-{prefix.replace('/', '-')}"[:255])
    put(put(rule, "Filter"), "Prefix", f"{prefix}/" if prefix else "")
    put(rule, "Status", "Enabled")
    put(put(rule, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation", str(AFTER_DAYS))
    return rule


def _ask(bucket: _Bucket, method: str, body: bytes, also: tuple[int, ...] = ()) -> tuple[int, bytes]:
    address = address_parts(bucket.endpoint)
    path = f"{address.path.rstrip('/')}/{bucket.name}"
    headers = signed(method, address.netloc, path, _QUERY, body, bucket, utc_now())
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    asking = kind(address.netloc, timeout=DEADLINE_S)
    try:
        asking.request(method, f"{path}?{_QUERY}", body, headers)
        answer = asking.getresponse()
        status, said = answer.status, answer.read(LARGEST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Outage(f"The blob store could not be asked for the bucket's rules: {error}.") from error
    finally:
        asking.close()
    if status not in (200, 204, *also):
        raise Outage(f"The blob store answers {status} to the bucket's rules.", hint=_why(said))
    return status, said


def _why(said: bytes) -> str:
    try:
        found = ElementTree.fromstring(said).findtext("{*}Code") or ""
    except ElementTree.ParseError:
        found = ""
    hints = {"NotImplemented": _BY_HAND, "AccessDenied": "The key needs s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration."}
    return hints.get(found, found)


def signed(method: str, host: str, path: str, query: str, body: bytes, bucket: _Bucket, now: datetime) -> dict[str, str]:
    """Headers of a request to S3, signed as AWS Signature Version 4 says (docs.aws.amazon.com, sigv4-create-signed-request)."""
    moment, digest = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if body:
        headers["content-md5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    if bucket.token:
        headers["x-amz-security-token"] = bucket.token
    names = sorted(headers)
    asked = "\n".join([method, path, query, *(f"{name}:{headers[name]}" for name in names), "", ";".join(names), digest])
    scope = f"{moment[:8]}/{bucket.region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"AWS4{bucket.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={bucket.key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return headers
