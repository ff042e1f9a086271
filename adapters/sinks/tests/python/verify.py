"""Verifies a delivery with the official library and with the code in the guide for receivers, and checks that both
refuse forgeries.

Reads one JSON object from standard input: id, timestamp, signature, body, secret and foreign_secret, each a string.
Its one argument is the path of the guide.
"""

import json
import pathlib
import re
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def by_library(secret, headers, body):
    """Raises an error if the official library refuses the delivery."""
    Webhook(secret).verify(body, headers)


def by_guide(guide):
    """Returns the function `verify` of the guide."""
    blocks = re.findall(r"```python\n(.*?)```", pathlib.Path(guide).read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = [block for block in blocks if "def verify(" in block]
    names = {}
    exec(shown, names)
    return lambda secret, headers, body: names["verify"](secret, headers, body.encode())


def accepts(verify, delivery, **changed):
    """Returns whether the delivery is accepted with these parts changed."""
    parts = {**delivery, **changed}
    headers = {
        "webhook-id": parts["id"],
        "webhook-timestamp": parts["timestamp"],
        "webhook-signature": parts["signature"],
    }
    try:
        verify(parts["secret"], headers, parts["body"])
    except (ValueError, WebhookVerificationError) as error:
        print(f"refused: {error}")
        return False
    return True


def main():
    delivery = json.load(sys.stdin)
    body, timestamp = delivery["body"], delivery["timestamp"]
    tampered = {
        "a changed body": {"body": body.replace("films:1", "films:2")},
        "a body with an extra space": {"body": body + " "},
        "another id": {"id": delivery["id"] + "0"},
        "another time": {"timestamp": str(int(timestamp) + 1)},
        "an old time": {"timestamp": str(int(timestamp) - 3600)},
        "a foreign secret": {"secret": delivery["foreign_secret"]},
    }
    refused = 0
    for verify in (by_library, by_guide(sys.argv[1])):
        assert accepts(verify, delivery), "the original delivery was refused"
        for name, changed in tampered.items():
            assert delivery != {**delivery, **changed}, f"{name} changes nothing"
            assert not accepts(verify, delivery, **changed), f"{name} was accepted"
            refused += 1
    print(f"{refused} forgeries refused")


if __name__ == "__main__":
    main()
