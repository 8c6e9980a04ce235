"""What the published description says of API v2 beyond what the handlers' types say: bodies, words, examples."""

import ast
import inspect
from functools import cache
from types import ModuleType
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from retrospec.shapes import evidence, issues, project, sessions, upkeep
from retrospec.shapes.base import Answer, Body
from retrospec.web.api.samples import ISSUE_KEY, SESSION_ID, example_of

MODULES: tuple[ModuleType, ...] = (evidence, issues, sessions, project, upkeep)
PREFIX = "/v2/"
SAMPLE_IDS = {"key": ISSUE_KEY, "session_id": SESSION_ID, "artifact_id": f"{SESSION_ID}.analysis_json", "index": 0}
REFERENCE = "#/components/schemas/{name}"
UNCHANGED = "The same as before (`If-None-Match` named it)."
CONFLICT = "It contradicts what is stored."


@cache
def shapes() -> dict[str, type[msgspec.Struct]]:
    """Every shape by its name."""
    return {
        name: shape
        for module in MODULES
        for name, shape in vars(module).items()
        if isinstance(shape, type) and issubclass(shape, (Answer, Body)) and shape.__module__ == module.__name__
    }


def handlers_of(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler]:
    """Each handler by address and method in small letters, as the document names them."""
    return {
        (route.path_format, str(method).lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }


def scope_of(handler: HTTPRouteHandler) -> str:
    """The scope its guard asks for; empty for none."""
    return next((guard.scope for guard in handler.guards or () if hasattr(guard, "scope")), "")


def describe(document: dict[str, Any], app: Litestar) -> None:
    """Add to the document: v2's bodies, words of fields, examples, and the scope each call needs."""
    schemas, handlers = document["components"]["schemas"], handlers_of(app)
    bodies = [handler.opt["body"] for handler in handlers.values() if "body" in handler.opt]
    references, defined = msgspec.json.schema_components(bodies, ref_template=REFERENCE)
    schemas.update(defined)
    by_body = dict(zip(bodies, references, strict=True))
    for name, shape in shapes().items():
        if name in schemas:
            _put_words(schemas[name], shape)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            handler = handlers.get((path, method))
            if handler is not None:
                _describe_call(path, method, operation, handler, by_body)


def _describe_call(
    path: str, method: str, operation: dict[str, Any], handler: HTTPRouteHandler, by_body: dict[Any, Any]
) -> None:
    if scope := scope_of(handler):
        operation["x-retrospec-scope"] = scope
    if "body" in handler.opt:
        shape = handler.opt["body"]
        content = {"schema": by_body[shape], "example": example_of(shape)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if not path.startswith(PREFIX) or scope == "ingest":
        return
    for parameter in operation.get("parameters") or []:
        if parameter["in"] == "path" and parameter["name"] in SAMPLE_IDS:
            parameter["example"] = SAMPLE_IDS[parameter["name"]]
    answers = operation["responses"]
    if media := handler.opt.get("media"):
        _answer_of_media(answers, media)
    else:
        _answer_with_example(answers, method)


def _answer_of_media(answers: dict[str, Any], media: str) -> None:
    is_list = media == "application/json"
    answers["200"]["content"] = {media: {"schema": {"type": "array", "items": {"type": "object"}}} if is_list else {}}
    if media == "*/*":
        answers["206"] = {"description": "The bytes a Range header asked for.", "content": {"*/*": {}}}
        answers["416"] = {"description": "The range begins past the end.", "content": {"*/*": {}}}


def _answer_with_example(answers: dict[str, Any], method: str) -> None:
    for answer in (answer for status, answer in answers.items() if status < "300"):
        content = answer["content"]["application/json"]
        content["example"] = example_of(shapes()[content["schema"]["$ref"].rpartition("/")[2]])
    if method == "get":
        answers["304"] = {"description": UNCHANGED}
    else:
        answers["409"] = {"description": CONFLICT, "content": {"application/json": {"schema": {"$ref": REFERENCE.format(name="WireError")}}}}


def _put_words(schema: dict[str, Any], shape: type[msgspec.Struct]) -> None:
    schema["description"] = inspect.getdoc(shape) or ""
    words = _field_words(shape.__module__).get(shape.__name__, {})
    for field in msgspec.structs.fields(shape):
        told = words.get(field.name)
        if told and field.encode_name in schema["properties"]:
            schema["properties"][field.encode_name] |= {"description": told.replace("``", "`")}


@cache
def _field_words(module: str) -> dict[str, dict[str, str]]:
    """The text below each field, by class and field, read from the source: at run time Python forgets it."""
    found = next(each for each in MODULES if each.__name__ == module)
    classes = [node for node in ast.parse(inspect.getsource(found)).body if isinstance(node, ast.ClassDef)]
    return {node.name: _words_in(node) for node in classes}


def _words_in(node: ast.ClassDef) -> dict[str, str]:
    words = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            words[field.target.id] = str(ast.literal_eval(text.value))
    return words
