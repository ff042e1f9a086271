"""Validates an OpenAPI document, and every example in it against its schema.

    openapi.py DOCUMENT

Prints the number of examples. Exits with code 1 and the errors if there are any.
"""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

URI = "urn:miroir:openapi"


def examples(node, path=""):
    """Yields every example of the document: its path, the path of its schema, and the example."""
    if isinstance(node, list):
        for position, item in enumerate(node):
            yield from examples(item, f"{path}/{position}")
    if not isinstance(node, dict):
        return
    if isinstance(node.get("examples"), list):
        for number, example in enumerate(node["examples"]):
            yield f"{path}/examples/{number}", path, example
    if "example" in node and "schema" in node:
        yield f"{path}/example", f"{path}/schema", node["example"]
    for key, value in node.items():
        # The content of an example has no examples.
        if key not in ("example", "examples"):
            yield from examples(value, f"{path}/" + key.replace("~", "~0").replace("/", "~1"))


def main(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
    registry = Registry().with_resource(URI, Resource(contents=document, specification=DRAFT202012))
    found = list(examples(document))
    for place, schema, example in found:
        validator = Draft202012Validator(
            {"$ref": f"{URI}#{schema.replace('%', '%25')}"},
            registry=registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        problems += [f"{place}: {error.message}" for error in validator.iter_errors(example)]
    if problems:
        sys.exit("\n".join(problems))
    assert len(found) > 30, f"only {len(found)} examples were found"
    print(f"an OpenAPI 3.1 document with {len(document['paths'])} paths and {len(found)} valid examples")


if __name__ == "__main__":
    main(*sys.argv[1:])
