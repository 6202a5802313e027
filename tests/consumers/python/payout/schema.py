"""The published JSON schemas: nothing is read of an answer before it has the form that they promise."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from .refusal import Refusal

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "schema"

_schemas = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
_registry = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in _schemas.values()
)
_validators = {
    name: Draft202012Validator(schema, registry=_registry) for name, schema in _schemas.items()
}


def check(name: str, value: Any) -> None:
    """Refuses what is not of the form."""
    error = next(_validators[name].iter_errors(value), None)
    if error is not None:
        raise Refusal("schema", f"{error.json_path}: {error.message}")
