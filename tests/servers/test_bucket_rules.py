"""The bucket's rule that ends unfinished uploads: set beside whatever rules there are, checked by ``doctor``."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from retrospec.domain.errors import Outage, SettingsError
from retrospec.outlook import check_bucket
from retrospec.serving import _migrate_when_up
from retrospec.storage import bucket_rules
from tests.conftest import serving, settings_for, wait_for
from tests.servers.choice import large_rows_url
from tests.servers.lifecycle import Lifecycle, lifecycle
from tests.servers.programs import s3

THEIRS = (
    "<LifecycleConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Rule><ID>theirs</ID><Filter><Prefix>{prefix}</Prefix></Filter>"
    "<Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>"
)


@pytest.fixture
def bucket() -> Iterator[Lifecycle]:
    with lifecycle() as server:
        yield server


def ids(bucket: Lifecycle) -> list[str | None]:
    return [rule.findtext("{*}ID") for rule in ElementTree.fromstring(bucket.rules).findall("{*}Rule")]


def test_a_bucket_without_rules_gets_one_and_is_then_left_alone(bucket: Lifecycle) -> None:
    assert bucket_rules.look(bucket.url("shop")) == (False, False)
    assert bucket_rules.set_rule(bucket.url("shop")) == (True, False)
    assert bucket_rules.set_rule(bucket.url("shop")) == (True, False)
    assert bucket.puts == 1
    (rule,) = ElementTree.fromstring(bucket.rules).findall("{*}Rule")
    assert rule.findtext("{*}Filter/{*}Prefix") == "shop/"
    assert rule.findtext("{*}AbortIncompleteMultipartUpload/{*}DaysAfterInitiation") == "2"


def test_rules_of_others_stay_and_one_that_expires_our_objects_is_told(bucket: Lifecycle) -> None:
    bucket.rules = THEIRS.format(prefix="logs/").encode()
    assert bucket_rules.set_rule(bucket.url("shop")) == (True, False)
    assert bucket_rules.set_rule(bucket.url("other")) == (True, False)
    assert ids(bucket) == ["theirs", "retrospec-unfinished-uploads-shop", "retrospec-unfinished-uploads-other"]
    bucket.rules = THEIRS.format(prefix="").encode()
    assert bucket_rules.set_rule(bucket.url("shop")) == (True, True)


async def test_doctor_says_how_the_bucket_is(bucket: Lifecycle, tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.blobs.url, settings.blobs.lifecycle = bucket.url("shop"), True
    assert [check.level for check in await check_bucket(settings)] == ["warning"]
    bucket_rules.set_rule(bucket.url("shop"))
    assert [check.level for check in await check_bucket(settings)] == ["ok"]
    bucket.rules = THEIRS.format(prefix="").encode()
    (told,) = await check_bucket(settings)
    assert told.level == "problem" and "pinned sessions will lose" in told.sentence
    settings.blobs.lifecycle = False
    assert await check_bucket(settings) == []


def test_a_real_server_takes_our_signature_and_one_that_knows_no_rules_is_named() -> None:
    with pytest.raises(Outage, match="does not know rules of a bucket"):
        bucket_rules.look(s3().url("recordings/x"))
    with pytest.raises(Outage) as refused:
        bucket_rules.look(s3().url("recordings/x", secret="not-the-right-secret"))
    assert refused.value.hint == "SignatureDoesNotMatch"
    with pytest.raises(Outage, match="no such bucket"):
        bucket_rules.look(s3().url("nobody-made-this"))


def test_without_a_key_in_sight_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(SettingsError, match="access key"):
        bucket_rules.look("s3://recordings/shop")


def test_a_server_sets_it_at_its_start_and_starts_all_the_same_where_that_fails(bucket: Lifecycle, tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.database.url, settings.blobs.url, settings.blobs.lifecycle = large_rows_url(tmp_path), bucket.url("shop"), True
    _migrate_when_up(settings)
    wait_for(lambda: bucket.puts == 1)
    settings.blobs.url = s3().url("recordings/x")
    _migrate_when_up(settings)
    with serving(settings):
        pass
