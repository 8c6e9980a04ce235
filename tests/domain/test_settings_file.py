from pathlib import Path

import pytest

from retrospec.domain.errors import SettingsError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import effective_settings, settings_by_key, without_password
from retrospec.domain.settings_file import load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> None:
    Path("retrospec.toml").write_text(text, encoding="utf-8")


def load(environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_settings(None, environ=environ or {}, overrides=dotted)


def complaints(environ: dict[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, **overrides)
    return str(caught.value).splitlines()


def test_without_a_file_every_setting_has_its_default() -> None:
    assert load() == Settings()


def test_option_wins_over_environment_over_file_over_default() -> None:
    write("[server]\nport = 1\nhost = '1.1.1.1'\nlog_level = 'error'\n")
    settings = load({"RETROSPEC_SERVER_PORT": "2", "RETROSPEC_SERVER_HOST": "2.2.2.2"}, server__port=3)
    assert (settings.server.port, settings.server.host, settings.server.log_level) == (3, "2.2.2.2", "error")
    assert settings.server.log_format == "auto"


def test_every_value_remembers_where_it_came_from() -> None:
    write("[server]\n\nhost = '1.1.1.1'\n")
    settings = load({"RETROSPEC_LIMITS_BURST": "7"}, server__port=3, storage__dir=None)
    sources = {one.key: one.source for one in effective_settings(settings)}
    assert sources["server.host"] == "retrospec.toml line 3"
    assert sources["limits.burst"] == "RETROSPEC_LIMITS_BURST"
    assert sources["server.port"] == "command line"
    assert sources["storage.dir"] == "default"
    assert len(sources) == len(settings_by_key())


def test_secrets_and_passwords_are_not_listed() -> None:
    settings = load(
        {"RETROSPEC_DATABASE_URL": "postgresql://me:hush@db/x", "RETROSPEC_SERVER_INTERNAL_KEY": "hush"}
    )
    assert settings.server.internal_key == "hush"
    assert "hush" not in repr(effective_settings(settings))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# x\n\n[retention]\ndays = -1", "line 4: retention.days is -1; use 1 to 3650"),
        ("[retention]\ndays = true", "line 2: retention.days is true; use 1 to 3650"),
        ("[retention]\ndays = '7'", 'line 2: retention.days is "7"; use 1 to 3650'),
        ("[retention]\ndays = 3651", "line 2: retention.days is 3651; use 1 to 3650"),
        ("[promote]\nmin_sessions = 0", "line 2: promote.min_sessions is 0; use 1 or more"),
        ("[analysis]\nmin_confidence = 1.5", "line 2: analysis.min_confidence is 1.5; use 0 to 1"),
        ("[limits]\nrequests_per_second = nan", "line 2: limits.requests_per_second is NaN; use 0 or more"),
        ("[limits]\nrequests_per_second = inf", "line 2: limits.requests_per_second is Infinity; use 0 or more"),
        ("[analysis]\ntimeout_seconds = 0", "line 2: analysis.timeout_seconds is 0; use more than 0, up to 600"),
        ("[replay]\nrender = 'onn'", 'line 2: replay.render is "onn"; use auto, off or on'),
        ("[capture]\nredact = 'yes'", 'line 2: capture.redact is "yes"; use true or false'),
        ("[server]\ncors_origins = '*'", 'line 2: server.cors_origins is "*"; use a list of texts such as ["one", "two"]'),
        ("[server]\nprot = 1", "line 2: server.prot is no setting; did you mean server.port?"),
        ("[server]\ndays = 1", "line 2: server.days is no setting; did you mean retention.days?"),
        ("[promote]\nxyzzy = 1", "line 2: promote.xyzzy is no setting; [promote] has min_sessions, min_people"),
        ("[servr]\nport = 1", "line 1: [servr] is no section; did you mean [server]?"),
        ("port = 1", "line 1: port stands outside a section; did you mean server.port?"),
        ("server = 1", "line 1: server is a section; write [server] on a line of its own, then its settings"),
        ("[[server]]\nport = 1", "line 1: server is a section; write [server] on a line of its own, then its settings"),
        ("server.port = 'x'", 'line 1: server.port is "x"; use 0 to 65535'),
        ("[ server ]\n\"port\" = 'x'", 'line 2: server.port is "x"; use 0 to 65535'),
        ("server = {port = 'x'}", 'line 1: server.port is "x"; use 0 to 65535'),
        ("[server]\nhost = localhost", 'line 2: this is not TOML: invalid value; texts need quotes, e.g. name = "value"'),
        ("[server]\npublic_url = 'shop'", 'line 2: server.public_url is "shop"; use an address such as https://retrospec.example.com'),
        ("[server]\nhost = ''", "line 2: server.host is empty; use 127.0.0.1, or 0.0.0.0 for every network"),
        ("[storage]\ndir = ''", "line 2: storage.dir is empty; use the path of a folder"),
        ("[database]\nurl = 'postgres://h/x'", 'line 2: database.url is "postgres://h/x"; use sqlite:///path or postgresql://user@host/name'),
        ("[blobs]\nurl = 'ftp://x'", 'line 2: blobs.url is "ftp://x"; use file:///path or s3://bucket/prefix'),
        ("[capture]\nend_grace_seconds = 90", "line 2: capture.end_grace_seconds is 90; use capture.idle_seconds (60) or less"),
        ("[worker]\nretry_base_seconds = 500", "line 2: worker.retry_base_seconds is 500; use worker.retry_max_seconds (120) or less"),
        ("[worker]\nretry_max_seconds = 1", "line 2: worker.retry_max_seconds is 1; use worker.retry_base_seconds (2) or more"),
        ("[server]\ntrusted_proxies = ['caddy']", 'line 2: server.trusted_proxies has "caddy"; use IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8'),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_its_value_and_the_way_out(text: str, complaint: str) -> None:
    write(text)
    assert complaints() == [f"retrospec.toml {complaint}"]


def test_an_origin_with_a_path_would_never_match_and_is_refused() -> None:
    write('[server]\ncors_origins = ["https://shop.example.com/"]')
    assert "use * or scheme and host alone" in complaints()[0]


@pytest.mark.parametrize(
    "section,choice,word",
    [("analysis", "provider", "remote_text"), ("confirmation", "checker", "remote_visual")],
)
def test_an_outside_model_needs_its_address(section: str, choice: str, word: str) -> None:
    write(f"[{section}]\n{choice} = '{word}'")
    assert complaints() == [
        f'retrospec.toml line 2: {section}.{choice} is "{word}", which needs {section}.model_url; set it to the model\'s address'
    ]
    assert load({f"RETROSPEC_{section.upper()}_MODEL_URL": "https://models.example/v1"})


def test_every_problem_is_told_at_once() -> None:
    write("[server]\nport = -1\n[retention]\ndays = 0")
    assert len(complaints({"RETROSPEC_LIMITS_BURST": "0"})) == 3


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        ("RETROSPEC_RETENTION_DAYS", "-1", "RETROSPEC_RETENTION_DAYS is -1; use 1 to 3650"),
        ("RETROSPEC_SERVER_PORT", "", "RETROSPEC_SERVER_PORT is empty; use 0 to 65535"),
        ("RETROSPEC_CAPTURE_REDACT", "maybe", "RETROSPEC_CAPTURE_REDACT is maybe; use true or false"),
        ("RETROSPEC_SERVER_PROT", "1", "RETROSPEC_SERVER_PROT is no setting; did you mean RETROSPEC_SERVER_PORT?"),
        ("RETROSPEC_SEVER_PORT", "1", "RETROSPEC_SEVER_PORT is no setting; did you mean RETROSPEC_SERVER_PORT?"),
        ("RETROSPEC_SERVER_PUBLIC_URL", "shop", 'RETROSPEC_SERVER_PUBLIC_URL is "shop"; use an address such as https://retrospec.example.com'),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named(variable: str, text: str, complaint: str) -> None:
    assert complaints({variable: text}) == [complaint]


def test_variables_are_read_as_their_types() -> None:
    settings = load(
        {
            "RETROSPEC_SERVER_CORS_ORIGINS": "https://a.example, https://b.example",
            "RETROSPEC_CAPTURE_REDACT": "False",
            "RETROSPEC_LIMITS_REQUESTS_PER_SECOND": "0",
            "RETROSPEC_SERVER_INTERNAL_KEY": "123",
        }
    )
    assert settings.server.cors_origins == ["https://a.example", "https://b.example"]
    assert settings.capture.redact is False
    assert settings.limits.requests_per_second == 0
    assert settings.server.internal_key == "123"


def test_variables_of_others_are_left_alone() -> None:
    kubernetes = {
        "RETROSPEC_SERVICE_PORT": "80",
        "RETROSPEC_PORT": "tcp://1.2.3.4:80",
        "RETROSPEC_PORT_80_TCP_ADDR": "x",
    }
    assert load({**kubernetes, "RETROSPEC_HOME": "x", "PATH": "/bin"}) == Settings()


def test_an_option_out_of_range_is_refused() -> None:
    assert complaints(server__port=70000) == ["command line: server.port is 70000; use 0 to 65535"]


def test_a_secret_of_the_wrong_type_is_not_repeated() -> None:
    write("[analysis]\nmodel_key = 123456")
    assert complaints() == ["retrospec.toml line 2: analysis.model_key is (hidden); use a text in quotes"]


def test_a_key_in_a_long_text_is_not_taken_for_the_setting() -> None:
    write('[server]\npublic_url = """\nport = 1\n"""\nport = -1')
    assert "retrospec.toml line 5: server.port is -1; use 0 to 65535" in complaints()


def test_a_named_file_must_be_there_and_readable(tmp_path: Path) -> None:
    for path, words in [(tmp_path / "none.toml", "there is no such file"), (tmp_path, "cannot be read")]:
        with pytest.raises(SettingsError, match=words):
            load_settings(path, environ={}, overrides={})


def test_a_file_that_is_not_utf8_is_refused_in_words() -> None:
    Path("retrospec.toml").write_bytes(b"[server]\nhost = '\xff'")
    assert complaints() == ["retrospec.toml: byte 17 is not UTF-8; save the file as UTF-8"]


def test_a_byte_order_mark_is_no_obstacle() -> None:
    Path("retrospec.toml").write_bytes(b"\xef\xbb\xbf[server]\nport = 9\n")
    assert load().server.port == 9


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (
            "s3://b/p?endpoint=http://h:1&access_key_id=AK&secret_access_key=S3&region=x",
            "s3://b/p?endpoint=http://h:1&access_key_id=AK&secret_access_key=(hidden)&region=x",
        ),
        ("s3://b?aws_session_token=T", "s3://b?aws_session_token=(hidden)"),
        ("postgresql://u:pw@h/d?password=x&sslmode=require", "postgresql://u:(hidden)@h/d?password=(hidden)&sslmode=require"),
        ("file:///a/b", "file:///a/b"),
    ],
)
def test_the_secrets_of_an_address_are_not_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown
