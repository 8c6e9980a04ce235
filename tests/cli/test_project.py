import json

from .conftest import Run


def test_a_project_gets_an_id_from_its_name(retrospec: Run) -> None:
    done = retrospec("project", "create", "Web Shop")
    assert done.stdout.splitlines()[-1] == "proj_web_shop"
    listed = json.loads(retrospec("project", "list", "--json").stdout)
    assert [(each["id"], each["name"]) for each in listed] == [
        ("proj_default", "My site"),
        ("proj_web_shop", "Web Shop"),
    ]


def test_a_taken_or_unfit_id_is_refused(retrospec: Run) -> None:
    taken = retrospec("project", "create", "Other", "--id", "proj_default")
    assert (taken.returncode, "There is a project 'proj_default' already" in taken.stderr) == (1, True)
    unfit = retrospec("project", "create", "Other", "--id", "a/b")
    assert (unfit.returncode, "'a/b' cannot be an id" in unfit.stderr) == (1, True)
    assert retrospec("project", "create", " ").returncode == 1
