"""The OpenAPI document, put together from the operations."""

from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from server.limits import ROWS_MAX
from server.openapi.operations import OPERATIONS
from server.openapi.parts import Answer, Operation, Parameter

FILE: Final = Path(__file__).with_name("openapi.json")
"""What is served; it ships with the package."""
OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""Routes that need no key."""
PROBLEM: Final = "application/problem+json"
PROBLEMS: Final = {
    400: "The body is not the JSON that the route takes.",
    401: "No key came along, or none that is known.",
    402: "Refused: a hard limit is in the way. `violations` names each, what is left of it, when it resets.",
    403: "The key's role does not allow this.",
    404: "There is nothing of that id that this key may see.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is there, such as other content under the same id.",
    413: "More bytes or rows than a request may have.",
    415: "JSON only.",
    422: "A field makes no sense; `field` names it.",
    429: "Throttled: send the same again after `Retry-After` seconds.",
    503: "Not now: send the same again. An operation id is never charged twice.",
}
OF_EVERY_BODY: Final = (400, 408, 413, 415)
OF_EVERY_QUERY: Final = (422,)
OF_EVERY_GUARD: Final = (401, 403, 503)
PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "RFC 9457, with `code` (docs/errors).",
    "required": ["code", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "reference": {"type": "string"},
    },
}
DESCRIPTION: Final = (
    "What every agent costs, and who pays for it. Money is decimal text under `/v1` and an exact JSON number "
    "under `/api/v1`; instants are ISO 8601 with an offset. GraphQL, at `/graphql`, describes itself."
)


def openapi(version: str) -> str:
    """The document as JSON text."""
    schemas: dict[str, Any] = {"Problem": PROBLEM_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation, schemas)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Costgraph",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
            "schemas": dict(sorted(schemas.items())),
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _operation(method: str, path: str, operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _id(method, path),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {
            **{str(status): _answer(each) for status, each in sorted(operation.answers.items())},
            **{str(status): _problem(status) for status in _problems(path, operation)},
        },
    }
    parameters = [
        *(_parameter(each, "path") for each in operation.path),
        *(_parameter(each, "query") for each in operation.query),
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _body(operation, schemas)
    if path in OPEN:
        described["security"] = []
    return described


def _id(method: str, path: str) -> str:
    words = path.replace("{", "").replace("}", "").replace(".", "/").split("/")
    return "_".join([method.lower(), *(word for word in words if word)])


def _problems(path: str, operation: Operation) -> list[int]:
    if path in OPEN:
        return []
    bodies = () if operation.body is None else OF_EVERY_BODY
    queries = OF_EVERY_QUERY if operation.query else ()
    return sorted({*operation.problems, *bodies, *queries, *OF_EVERY_GUARD})


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": PROBLEMS[status], "content": {PROBLEM: {"schema": schema}}}


def _answer(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for media_type in answer.media_types:
        is_json = media_type == "application/json"
        content[media_type] = {"schema": {"type": "object"} if is_json else {"type": "string"}}
        if answer.example is not None:
            content[media_type]["schema"]["required"] = list(answer.example)
            content[media_type]["example"] = answer.example
    return {"description": answer.text, "content": content}


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": place,
        "description": parameter.text,
        "required": place == "path" or parameter.needed,
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _body(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    body = operation.body
    schema: dict[str, Any]
    if isinstance(body, dict):
        schema = body
    elif body is not None:
        schema = _model(body, operation, schemas)
    else:
        raise TypeError(operation.summary)
    if operation.many:
        # A row that makes no sense is refused in its place, and the others are taken.
        rows = {"description": "Such objects.", "type": "array", "maxItems": ROWS_MAX}
        schema = {"oneOf": [schema, rows]}
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": operation.example}},
    }


def _model(model: type[BaseModel], operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(described.pop("$defs", {}))
    # What the path says already is not said again in the body.
    for name in {each.name for each in operation.path} & set(described["properties"]):
        del described["properties"][name]
        described["required"].remove(name)
    schemas[model.__name__] = described
    return {"$ref": f"#/components/schemas/{model.__name__}"}
