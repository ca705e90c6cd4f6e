"""Check that every example of an OpenAPI description fits its schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each example with where it stands and the schema it must fit."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            bodies = {
                "body": operation.get("requestBody", {}),
                **operation["responses"],
            }
            for name, body in bodies.items():
                for media_type, content in body.get("content", {}).items():
                    if "example" in content and "json" in media_type:
                        yield (
                            f"{method.upper()} {path} {name}",
                            content.get("schema", {}),
                            content["example"],
                        )
    for name, schema in document["components"]["schemas"].items():
        if "example" in schema:
            yield name, {"$ref": f"#/components/schemas/{name}"}, schema["example"]


def main() -> int:
    """Print what does not fit; the exit code says whether anything did not."""
    document = json.loads(Path(sys.argv[1]).read_text())
    count = faults = 0
    for where, schema, example in examples(document):
        count += 1
        whole = {**schema, "components": document["components"]}
        for error in jsonschema_rs.Draft202012Validator(
            whole, validate_formats=True
        ).iter_errors(example):
            faults += 1
            print(
                f"{where}: {'/'.join(map(str, error.instance_path))}: {error.message}"
            )
    print(f"{count - faults} passed, {faults} failed in the examples")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
