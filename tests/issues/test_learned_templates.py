"""Learners of paths and messages: what they find, and that order never matters."""

import random

from hypothesis import given
from hypothesis import strategies as st

from retrospec.issues.message_tree import MessageTemplates
from retrospec.issues.templates import file_stem, message_template, path_template
from retrospec.issues.url_templates import UrlTemplates

PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]
PATHS = [f"/users/{name}/{rest}" for name in PEOPLE for rest in ("posts", "followers", "settings/mail")]


def learned(paths: list[str]) -> UrlTemplates:
    learner = UrlTemplates()
    for path in paths:
        learner.add(path)
    return learner


def test_names_that_are_followed_alike_are_a_parameter() -> None:
    learner = learned(PATHS)
    assert learner.template("/users/mallory/posts?page=2") == "/users/<*>/posts"
    assert learner.template("/users/alice/settings/mail") == "/users/<*>/settings/mail"


def test_collections_followed_by_ids_stay_literal() -> None:
    nouns = ["orders", "invoices", "customers", "products", "carts", "returns", "payments", "refunds", "baskets"]
    learner = learned([f"/api/{noun}/{n}/{verb}" for noun in nouns for n in (1, 2) for verb in ("notes", "history")])
    assert learner.template("/api/orders/77/notes") == "/api/orders/<*>/notes"


def test_a_few_alike_siblings_stay_literal() -> None:
    learner = learned([f"/api/{noun}/{verb}" for noun in ("cart", "wishlist", "compare") for verb in ("add", "remove", "clear")])
    assert learner.template("/api/cart/add") == "/api/cart/add"


@given(st.permutations(PATHS), st.integers(1, len(PATHS) - 1))
def test_learning_apart_and_merging_is_learning_together(paths: list[str], cut: int) -> None:
    one, other = learned(paths[:cut]), learned(paths[cut:])
    one.merge(other)
    together = learned(PATHS)
    assert [one.template(path) for path in PATHS] == [together.template(path) for path in PATHS]


def test_words_that_vary_are_masked_and_events_are_not() -> None:
    learner = MessageTemplates()
    hives = ["SOFTWARE", "SYSTEM", "SAM.LOG", "SECURITY", "DRIVERS_1", "DEFAULT.X", "NTUSER.DAT"]
    for message in [f"Loading offline registry hive: {name} into memory" for name in hives] + ["VM Started on this host", "VM Paused on this host"]:
        learner.add(message)
    assert learner.template("Loading offline registry hive: SAM.LOG into memory") == "Loading offline registry hive: <*> into memory"
    assert learner.template("VM Paused on this host") == "VM Paused on this host"


@given(st.integers(0, 1000))
def test_messages_may_come_in_any_order(seed: int) -> None:
    messages = [f"Could not open {name}.cfg of {other}" for name in PEOPLE for other in PEOPLE[:4]]
    shuffled = list(messages)
    random.Random(seed).shuffle(shuffled)
    one, other = MessageTemplates(), MessageTemplates()
    for a, b in zip(messages, shuffled, strict=True):
        one.add(a)
        other.add(b)
    assert [one.template(m) for m in messages] == [other.template(m) for m in messages]


def test_shapes_of_parameters_in_a_message() -> None:
    assert message_template("Order 12 of eve@example.org failed after 12.5 ms at 2026-01-02T03:04:05Z") == "Order <*> of <*> failed after <*> at <*>"
    assert message_template("User 'alice' saw https://x.example/a?b=c") == "User <*> saw <*>"
    assert message_template("don't panic, it's fine") == "don't panic, it's fine"


def test_shapes_of_ids_in_a_path() -> None:
    assert path_template("/api/v2/orders/10042/items?x=1") == "/api/v2/orders/<*>/items"
    assert path_template("/u/bob%40example.org/edit") == "/u/<*>/edit"
    assert path_template("/static/app.3f2a1b4c.js") == "/static/app.js"
    assert path_template("/img/550e8400-e29b-41d4-a716-446655440000.png") == "/img/<*>.png"


def test_a_files_stem_outlives_its_hash() -> None:
    hashed = ["index-USw6ZjJo.js", "index-i_2LIvWH.js", "index.3f2a1b4c.chunk.js", "index-0f2e3a4b5c6d7e8f.js", "index.min.js?v=3", "index.ts"]
    assert {file_stem(name) for name in hashed} == {"index"}
    assert file_stem("index-checkout.js") == "index-checkout"
    assert file_stem("UserMenu-MyWidget.tsx") == "UserMenu-MyWidget"
