"""The API's reference as a page, written from the published OpenAPI document."""

from typing import Any

import msgspec
from litestar import Response, get

from retrospec.web.api.schema import openapi_document
from retrospec.web.pages.guard import open_frame
from retrospec.web.pages.rendering import AnyRequest, render


class Field(msgspec.Struct):
    """One parameter, or one field of a body."""

    name: str
    type: str
    needed: bool
    about: str


class Call(msgspec.Struct):
    """One address and method."""

    method: str
    path: str
    title: str
    about: str
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str]]
    scope: str
    """What a key needs; empty for none, and for what a token opens as well."""
    answer: list[Field]
    example: str
    """Of the answer."""


class ReferencePage(msgspec.Struct):
    """Every call, grouped by what it is about."""

    version: str
    groups: list[tuple[str, list[Call]]]


@get("/api", include_in_schema=False)
async def show_reference(request: AnyRequest) -> Response[str]:
    """The reference; open to everybody, as the protocol is."""
    frame, _ = open_frame(request)
    return render("reference.html", frame, read_reference(openapi_document(request.app)))


def read_reference(document: dict[str, Any]) -> ReferencePage:
    """The page's content from an OpenAPI document."""
    groups: dict[str, list[Call]] = {}
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            group = (operation.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_call(document, path, method, operation))
    return ReferencePage(document["info"]["version"], sorted(groups.items()))


def _call(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Call:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema", {})
    told = _answer(operation)
    first, _, rest = operation.get("description", "").partition("\n\n")
    return Call(
        method=method.upper(),
        path=path,
        title=operation.get("summary", ""),
        about=_plain(" ".join(f"{first} {rest}".split())),
        parameters=[_parameter(each) for each in operation.get("parameters") or []],
        body=_fields(document, body),
        answers=[(status, _plain(answer["description"])) for status, answer in sorted(operation["responses"].items())],
        scope=operation.get("x-retrospec-scope", ""),
        answer=[Field(one.name, one.type, False, _plain(one.about)) for one in _fields(document, told.get("schema", {}))],
        example=_written(told.get("example")),
    )


def _answer(operation: dict[str, Any]) -> dict[str, Any]:
    """What is told where all went well, as JSON."""
    told: dict[str, Any] = next((answer for status, answer in operation["responses"].items() if status.startswith("2")), {})
    found: dict[str, Any] = told.get("content", {}).get("application/json", {})
    return found


def _plain(text: str) -> str:
    """Without the document's marks for code."""
    return text.replace("`", "")


def _written(example: Any) -> str:
    return "" if example is None else msgspec.json.format(msgspec.json.encode(example), indent=2).decode()


def _parameter(parameter: dict[str, Any]) -> Field:
    return Field(
        parameter["name"],
        _type_name(parameter.get("schema", {})),
        bool(parameter.get("required")),
        " · ".join(filter(None, (parameter.get("in", ""), _plain(parameter.get("description", ""))))),
    )


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> list[Field]:
    """The body's fields, those of nested objects with a dotted name."""
    shape = _resolved(document, schema)
    fields: list[Field] = []
    for name, inner in shape.get("properties", {}).items():
        is_list = inner.get("type") == "array"
        nested = _resolved(document, inner.get("items", {}) if is_list else inner)
        full = f"{prefix}{name}{'[]' if is_list and nested.get('properties') else ''}"
        if nested.get("properties"):
            fields += _fields(document, nested, f"{full}.")
        else:
            is_needed = name in shape.get("required", [])
            fields.append(Field(full, _type_name(inner), is_needed, _plain(inner.get("description", ""))))
    return fields


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf") or schema.get("oneOf") or [schema]
    chosen: dict[str, Any] = next((option for option in options if option.get("type") != "null"), {})
    name = chosen.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"].get(name, chosen) if name else chosen
    return found


def _type_name(schema: dict[str, Any]) -> str:
    options = schema.get("anyOf") or schema.get("oneOf") or [schema]
    names = [option.get("type") or option.get("$ref", "any").rpartition("/")[2] for option in options]
    return " or ".join(dict.fromkeys(str(name) for name in names if name != "null"))
