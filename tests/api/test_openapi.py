"""The API describes itself: each operation with a summary, an example and the problems it can answer with."""

from typing import Any

from tests.api.client import Api


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def has_example(document: dict[str, Any], content: dict[str, Any]) -> bool:
    for media in content.values():
        schema = media.get("schema", {})
        # A body that may be absent is "this or null".
        choices = [schema, *schema.get("anyOf", [])]
        if "example" in media or any(resolved(document, choice).get("examples") for choice in choices):
            return True
    return False


async def test_every_operation_is_described(api: Api) -> None:
    document = (await api.get("/openapi.json", None)).json
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            if "requestBody" in operation:
                assert has_example(document, operation["requestBody"]["content"]), where
            success = next(response for status, response in operation["responses"].items() if status.startswith("2"))
            if "204" not in operation["responses"]:
                assert has_example(document, success["content"]), where
            errors = {status: response for status, response in operation["responses"].items() if status[0] in "45"}
            assert errors or where == "GET /healthz", where
            for status, response in errors.items():
                media = response["content"]["application/problem+json"]
                assert resolved(document, media["schema"])["properties"].keys() >= {"type", "title", "status", "detail"}
                assert media["example"]["detail"], (where, status)
            if path.startswith("/api/v1") and "/token" not in path:
                assert {"401"} <= errors.keys(), where
                assert operation["security"], where


async def test_a_wearer_is_an_id_where_it_is_not_said_to_be_a_name(api: Api) -> None:
    """The exceptions are those that docs/api.md names: callers go by them."""
    schemas = (await api.get("/openapi.json", None)).json["components"]["schemas"]
    known = {name: schema["properties"]["wearer"] for name, schema in schemas.items() if "wearer" in schema.get("properties", {})}
    names = {name for name, one in known.items() if {"string"} & {kind.get("type") for kind in (one, *one.get("anyOf", []))}}
    assert names == {"Alert", "FullAlert", "Listed", "Waiting"}
    silent = {name for name in names if "name" not in known[name].get("description", "")}
    assert not silent, "each says in its description that it is the name"
    assert {name for name in names if "wearer_id" not in schemas[name]["properties"]} == {"Waiting"}


async def test_operation_ids_are_unique(api: Api) -> None:
    paths = api.app.openapi()["paths"]
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_pages_that_load_from_elsewhere_are_not_there(api: Api) -> None:
    for path in ("//docs", "//redoc", "/docs"):
        assert (await api.get(path)).status == 404
