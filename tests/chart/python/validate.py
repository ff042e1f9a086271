"""Validates Kubernetes objects against the schemas of Kubernetes.

Reads a JSON list of {"case", "version", "object"} and prints one line for each invalid object. One call
validates all objects, since starting Python and reading a schema takes longer than validation.
"""

import json
import sys

import kubernetes_validate


def main() -> None:
    for entry in json.load(sys.stdin):
        thing = entry["object"]
        try:
            kubernetes_validate.validate(thing, entry["version"], strict=True)
        except kubernetes_validate.ValidationError as error:
            where = "/".join(str(step) for step in error.absolute_path)
            name = f"{thing.get('kind')} {thing.get('metadata', {}).get('name')}"
            print(f"{entry['case']}: {name}, Kubernetes {entry['version']}, at /{where}: {error.message}")
        except Exception as error:  # For example an unknown kind or version.
            print(f"{entry['case']}: {thing.get('kind')}, Kubernetes {entry['version']}: {error}")


main()
