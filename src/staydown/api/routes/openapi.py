"""The document that says what can be asked (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from staydown.api.gate import PURPOSE, Needs, open_to_all, rows_of
from staydown.core.rights import FRESH, RIGHTS, WITH_PURPOSE
from staydown.wire.items import NewSighting
from staydown.wire.problems import MEDIA_TYPE, Problem

router = APIRouter(tags=["openapi"])
_REF = "#/components/schemas/{model}"
_READS = (400, 401, 403, 404, 422, 429, 500, 502, 503)
_ACTS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503)
_OPEN = (400, 422, 500, 503)
_WORDS = {
    400: "Malformed.",
    401: "Nobody is signed in.",
    403: "A rule says no, or a fresh proof of who is there is missing; nothing was changed.",
    404: "There is no such thing, or it is not theirs to see.",
    409: "Somebody was faster, or the state table has no such step.",
    412: "It has changed since it was read.",
    413: "The body is too long.",
    415: "The body is of a type that is not taken.",
    422: "It can be read and is not of the form that is asked for.",
    428: "The version that was read is missing.",
    429: "Too often; `Retry-After` says when.",
    500: "An error of this program, or a record that does not verify.",
    502: "A neighbour gives trouble that does not pass.",
    503: "A neighbour gives trouble; try again.",
}


@router.get("/v1/openapi.json", include_in_schema=False)
def show_openapi(request: Request, _: Annotated[None, open_to_all("says only what can be asked")]) -> Any:
    """This document."""
    return request.app.openapi()


def document(api: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if api.openapi_schema:
        return api.openapi_schema
    made = get_openapi(
        title=api.title,
        version=api.version,
        routes=api.routes,
        description="Every answer that is no success is a problem document (RFC 9457).",
    )
    schemas = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Problem, NewSighting):
        found = model.model_json_schema(ref_template=_REF)
        schemas |= found.pop("$defs", {})
        schemas[model.__name__] = found
    made["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A session's or a token's word."}
    }
    for one in iter_route_contexts(api.routes):
        if isinstance(one.original_route, APIRoute) and one.path in made["paths"]:
            gate = next(iter(rows_of(one.dependant)), None)
            for method in one.methods or ():
                _complete(made["paths"][one.path][method.lower()], method, gate)
    api.openapi_schema = made
    return made


def _complete(operation: dict[str, Any], method: str, gate: Any) -> None:
    """Say of one operation who may ask it, and every way in which it may fail."""
    failures = set(_READS if method == "GET" else _ACTS)
    if not isinstance(gate, Needs):
        failures |= set(_OPEN)
    if any(one["name"].lower() == "if-match" for one in operation.get("parameters", ())):
        failures |= {412, 428}
    for status in sorted(failures):
        operation["responses"][str(status)] = {
            "description": _WORDS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    if not isinstance(gate, Needs):
        return
    roles = {role for relation in gate.relations for role in RIGHTS[gate.verb].get(relation, ())}
    operation["x-verb"] = gate.verb.value
    operation["x-roles"] = sorted(role.value for role in roles)
    operation["x-fresh"] = gate.verb in FRESH
    operation["security"] = [{"bearer": []}]
    if gate.verb in WITH_PURPOSE:
        operation.setdefault("parameters", []).append(
            {
                "name": PURPOSE,
                "in": "header",
                "required": True,
                "description": "Why these data are looked at; it is written down with the look.",
                "schema": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 200,
                    "pattern": r"^[!-~]([ -~]*[!-~])?$",
                },
            }
        )


__all__ = ["document", "router"]
