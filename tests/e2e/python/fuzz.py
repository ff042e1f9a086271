"""Runs schemathesis with its own arguments and with hooks. They insert names of existing objects, and check error codes,
which the OpenAPI standard cannot describe.

Half of the requests name an index, an alias, a canary or a sink of the test, so that not all responses are "not found".
"""

import sys
import zlib

import schemathesis
from schemathesis.cli import schemathesis as command_line

KNOWN = {
    "index_uid": ["films", "current", "everything"],
    "name": ["current", "everything"],
    "id": ["casablanca", "config:configured"],
    "sink": ["feed", "hook"],
    "task_uid": [0, 1, 2, 3],
    "document_id": ["1", "2"],
}


def number_of(value):
    """Returns a number that depends on the value alone, so that cases are reproducible."""
    return zlib.crc32(repr(value).encode())


def known_half_of_the_time(values):
    for name, value in list(values.items()):
        number = number_of(value)
        if name in KNOWN and number % 2 == 0:
            values[name] = KNOWN[name][number // 2 % len(KNOWN[name])]
    return values


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if isinstance(path_parameters, dict):
        known_half_of_the_time(path_parameters)
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    """Shortens most waits for a change. Other tests cover long waits."""
    operation = getattr(context, "operation", None)
    if isinstance(query, dict) and operation is not None and operation.path == "/_miroir/changes":
        if number_of(query.get("index")) % 2 == 0:
            query["index"] = "films"
        if query.get("wait", 25) not in range(0, 2) and number_of(query) % 10 != 0:
            query["wait"] = 0
    return query


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def described_codes(operation, status):
    document = operation.schema.raw_schema
    answer = document["paths"][operation.path][operation.method.lower()]["responses"].get(str(status), {})
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    return answer.get("x-error-codes")


@schemathesis.check
def error_code_is_described(context, response, case):
    """Checks that the document describes the code, unless only nodes have it."""
    if response.status_code < 400 or response.status_code == 405:
        return
    codes = described_codes(case.operation, response.status_code)
    if codes is None:
        return  # A response of another kind, or an undescribed one, which the check of statuses reports.
    document = case.operation.schema.raw_schema
    known = document["components"]["schemas"]["ErrorCode"]["anyOf"][0]["enum"]
    code = response.json().get("code")
    assert code in codes or code not in known, f"`{code}` is not described for {response.status_code}: {codes}"


if __name__ == "__main__":
    sys.exit(command_line())
