"""An OpenAPI document as a judge: is this request, is this response what the document says?

Closed where upstream's servers are: a field, a query parameter, a path or a method that is not in the document is a problem.
Reads Swagger 2 (Kubeflow Pipelines) and OpenAPI 3 (Model Registry).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import yaml

Schema = dict[str, Any]
_DATE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
_METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    pattern: re.Pattern[str]
    parameters: tuple[Schema, ...]
    body: Schema | None
    responses: dict[str, Schema | None]

    @property
    def name(self) -> str:
        """`POST /apis/v2beta1/pipelines`."""
        return f"{self.method} {self.path}"


class Contract:
    """One document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._schemas: dict[str, Schema] = document.get("definitions") or document["components"]["schemas"]
        self._closed = {asked: self._definitions(asked) for asked in (True, False)}
        self._validators: dict[tuple[str, bool], Any] = {}
        self.operations = tuple(self._operations())

    def has(self, name: str, field: str = "") -> bool:
        """Whether there is such a schema, with such a field."""
        return name in self._schemas and (not field or field in self._schemas[name].get("properties", {}))

    def operation(self, method: str, path: str) -> tuple[Operation | None, dict[str, str]]:
        """What is asked for, and the parameters in the path."""
        for operation in self.operations:
            found = operation.pattern.fullmatch(path) if operation.method == method else None
            if found is not None:
                return operation, found.groupdict()
        return None, {}

    def request(self, operation: Operation, query: dict[str, list[str]], body: Any, form: set[str]) -> Iterator[str]:
        """What is wrong with a request. `form`: the names of the parts of a multipart body."""
        known = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        for name, values in query.items():
            if name not in known:
                yield f"{operation.name}: no query parameter '{name}'"
            elif len(values) > 1:
                yield f"{operation.name}: query parameter '{name}' is given {len(values)} times"
            else:
                yield from self._text(operation, known[name], values[0])
        for parameter in operation.parameters:
            if parameter["in"] == "query" and parameter.get("required") and parameter["name"] not in query:
                yield f"{operation.name}: query parameter '{parameter['name']}' is missing"
            elif parameter["in"] == "formData" and parameter.get("required") and parameter["name"] not in form:
                yield f"{operation.name}: part '{parameter['name']}' of the form is missing"
        if operation.body is not None:
            yield from self._judge(operation.name, operation.body, body, asked=True)
        elif body is not None:
            yield f"{operation.name}: takes no body, got {json.dumps(body)[:200]}"

    def response(self, operation: Operation, status: int, body: Any) -> Iterator[str]:
        """What is wrong with a response."""
        key = str(status) if str(status) in operation.responses else "default"
        if key not in operation.responses:
            yield f"{operation.name}: answers no {status}"
            return
        schema = operation.responses[key]
        if schema is not None:
            yield from self._judge(f"{operation.name} answers {status}", schema, body, asked=False)

    def _text(self, operation: Operation, parameter: Schema, text: str) -> Iterator[str]:
        schema = parameter.get("schema", parameter)
        schema = self._resolved(schema)
        shape = {"integer": r"-?\d+", "boolean": "true|false"}.get(schema.get("type", ""), ".*")
        if not re.fullmatch(shape, text, re.DOTALL):
            yield f"{operation.name}: query parameter '{parameter['name']}' is no {schema['type']}: {text}"
        elif "enum" in schema and text not in schema["enum"]:
            yield f"{operation.name}: query parameter '{parameter['name']}' is none of {schema['enum']}: {text}"

    def _judge(self, what: str, schema: Schema, body: Any, *, asked: bool) -> Iterator[str]:
        key = (json.dumps(schema, sort_keys=True), asked)
        if key not in self._validators:
            whole = {**self._close(schema, asked), "definitions": self._closed[asked]}
            self._validators[key] = jsonschema_rs.Draft7Validator(whole)
        for error in self._validators[key].iter_errors(body):
            place = "".join(f".{part}" for part in error.instance_path)
            yield f"{what}: body{place}: {error.message[:300]}"

    def _operations(self) -> Iterator[Operation]:
        paths = self._document["paths"]
        for path in sorted(paths, key=lambda text: (text.count("{"), text)):
            pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/:]+)", re.escape(path)))
            for method in _METHODS:
                if method in paths[path]:
                    yield self._operation(path, pattern, method, paths[path])

    def _operation(self, path: str, pattern: re.Pattern[str], method: str, item: Schema) -> Operation:
        entry = item[method]
        parameters = [self._resolved(p) for p in (*item.get("parameters", ()), *entry.get("parameters", ()))]
        body = next((p["schema"] for p in parameters if p["in"] == "body"), None)
        if "requestBody" in entry:
            body = entry["requestBody"]["content"]["application/json"]["schema"]
        responses = {}
        for status, response in entry["responses"].items():
            answer = self._resolved(response)
            content = answer.get("content", {}).get("application/json", answer)
            responses[status] = content.get("schema")
        return Operation(method.upper(), path, pattern, tuple(parameters), body, responses)

    def _resolved(self, value: Schema) -> Schema:
        while "$ref" in value:
            found: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def _definitions(self, asked: bool) -> dict[str, Schema]:
        return {name: self._close(schema, asked) for name, schema in self._schemas.items()}

    def _close(self, schema: Schema, asked: bool) -> Schema:
        """The schema with nothing allowed that it does not name. `asked`: of a request, where read-only fields are not."""
        if "$ref" in schema:
            return {"$ref": "#/definitions/" + schema["$ref"].rpartition("/")[2]}
        if "discriminator" in schema:
            return {"oneOf": list(self._alternatives(schema, asked))}
        if "allOf" in schema:
            return self._close(self._merged(schema), asked)
        closed = {key: schema[key] for key in ("type", "enum", "required", "const") if key in schema}
        if "properties" in schema:
            closed["properties"] = {
                name: False if asked and value.get("readOnly") else self._close(value, asked)
                for name, value in schema["properties"].items()
            }
            closed["additionalProperties"] = schema.get("additionalProperties", False)
        elif schema.get("additionalProperties") == {"type": "object"}:
            closed["additionalProperties"] = (
                True  # google.protobuf.Value, any JSON: up to 2.5 the generator had no word for it
            )
        elif isinstance(schema.get("additionalProperties"), dict):
            closed["additionalProperties"] = self._close(schema["additionalProperties"], asked)
        if "items" in schema:
            closed["items"] = self._close(schema["items"], asked)
        if schema.get("type") == "string" and schema.get("format") in ("int64", "date-time"):
            closed["pattern"] = r"^-?\d+$" if schema["format"] == "int64" else _DATE_TIME
        return closed

    def _merged(self, schema: Schema) -> Schema:
        """`allOf` as one object."""
        schema = self._resolved(schema)
        merged: Schema = {
            "type": "object",
            "properties": dict(schema.get("properties", {})),
            "required": list(schema.get("required", ())),
        }
        for part in schema.get("allOf", ()):
            whole = self._merged(part)
            merged["properties"] = {**whole["properties"], **merged["properties"]}
            merged["required"] = sorted({*merged["required"], *whole["required"]})
        return merged

    def _alternatives(self, schema: Schema, asked: bool) -> Iterator[Schema]:
        name = schema["discriminator"]["propertyName"]
        for value, ref in schema["discriminator"]["mapping"].items():
            whole = self._merged({"$ref": ref})
            whole["properties"] = {**whole["properties"], name: {"const": value}}
            yield self._close({**whole, "required": sorted({*whole["required"], name})}, asked)


@cache
def contract(path: Path) -> Contract:
    """The contract in a file."""
    text = path.read_text(encoding="utf-8")
    return Contract(json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader))
