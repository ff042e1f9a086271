"""Verifies a delivery as receivers would, with the official library and with the code that the guide for consumers shows, and
that what was tampered with is refused by both.

Reads one JSON object from standard input: id, timestamp, signature, body, secret and foreign_secret, each a string. Its one
argument is the guide.
"""

import json
import pathlib
import re
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def by_library(secret, headers, body):
    """Raises when the official library refuses the delivery."""
    Webhook(secret).verify(body, headers)


def by_guide(guide):
    """The function `verify` of the guide."""
    blocks = re.findall(r"```python\n(.*?)```", pathlib.Path(guide).read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = [block for block in blocks if "def verify(" in block]
    names = {}
    exec(shown, names)
    return lambda secret, headers, body: names["verify"](secret, headers, body.encode())


def accepts(verify, delivery, **changed):
    """Whether the delivery is taken, with some of its parts changed."""
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
        "a body with a space more": {"body": body + " "},
        "another id": {"id": delivery["id"] + "0"},
        "another time": {"timestamp": str(int(timestamp) + 1)},
        "a time long gone": {"timestamp": str(int(timestamp) - 3600)},
        "a foreign secret": {"secret": delivery["foreign_secret"]},
    }
    refused = 0
    for verify in (by_library, by_guide(sys.argv[1])):
        assert accepts(verify, delivery), "the delivery as it was made"
        for name, changed in tampered.items():
            assert delivery != {**delivery, **changed}, f"{name} changes nothing"
            assert not accepts(verify, delivery, **changed), f"{name} was taken"
            refused += 1
    print(f"{refused} forgeries refused")


if __name__ == "__main__":
    main()
