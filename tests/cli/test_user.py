import json

from .conftest import Run


def test_a_new_user_gets_a_link_and_the_first_is_administrator(retrospec: Run) -> None:
    first = retrospec("user", "create", "Ann@Example.com", "--name", "Ann")
    assert first.returncode == 0, first.stderr
    assert "(administrator)" in first.stdout
    assert first.stdout.splitlines()[-1].startswith("http://127.0.0.1:8377/reset/")
    second = json.loads(retrospec("user", "create", "bob@example.com", "--json").stdout)
    assert second["isAdmin"] is False
    listed = json.loads(retrospec("user", "list", "--json").stdout)
    assert [(each["email"], each["isAdmin"]) for each in listed] == [
        ("ann@example.com", True),
        ("bob@example.com", False),
    ]


def test_the_link_is_on_the_public_address(retrospec: Run) -> None:
    environ = {"RETROSPEC_SERVER_PUBLIC_URL": "https://rs.example.com/"}
    done = retrospec("user", "create", "ann@example.com", environ=environ)
    assert done.stdout.splitlines()[-1].startswith("https://rs.example.com/reset/")


def test_a_taken_address_and_a_short_password_are_refused(retrospec: Run) -> None:
    assert retrospec("user", "create", "ann@example.com").returncode == 0
    taken = retrospec("user", "create", "ANN@example.com")
    assert (taken.returncode, "ann@example.com has an account already" in taken.stderr) == (1, True)
    assert retrospec("user", "create", "ann").returncode == 1


def test_a_reset_prints_a_fresh_link(retrospec: Run) -> None:
    made = retrospec("user", "create", "ann@example.com").stdout.splitlines()[-1]
    fresh = retrospec("user", "reset", "ann@example.com").stdout.splitlines()[-1]
    assert fresh.startswith("http://127.0.0.1:8377/reset/") and fresh != made
    unknown = retrospec("user", "reset", "bob@example.com")
    assert (unknown.returncode, "No user has the address bob@example.com." in unknown.stderr) == (1, True)
