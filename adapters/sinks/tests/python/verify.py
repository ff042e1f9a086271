"""Verifies a delivery with the official library, as a receiver would, and that what was tampered with is refused.

Reads one JSON object from standard input: id, timestamp, signature, body, secret and foreign_secret, each a string.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def accepts(delivery, **changed):
    """Whether the library takes the delivery, with some of its parts changed."""
    parts = {**delivery, **changed}
    headers = {
        "webhook-id": parts["id"],
        "webhook-timestamp": parts["timestamp"],
        "webhook-signature": parts["signature"],
    }
    try:
        Webhook(parts["secret"]).verify(parts["body"], headers)
    except WebhookVerificationError as error:
        print(f"refused: {error}")
        return False
    return True


def main():
    delivery = json.load(sys.stdin)
    assert accepts(delivery), "the delivery as it was made"
    body, timestamp = delivery["body"], delivery["timestamp"]
    tampered = {
        "a changed body": {"body": body.replace("films:1", "films:2")},
        "a body with a space more": {"body": body + " "},
        "another id": {"id": delivery["id"] + "0"},
        "another time": {"timestamp": str(int(timestamp) + 1)},
        "a time long gone": {"timestamp": str(int(timestamp) - 3600)},
        "a foreign secret": {"secret": delivery["foreign_secret"]},
    }
    for name, changed in tampered.items():
        assert delivery != {**delivery, **changed}, f"{name} changes nothing"
        assert not accepts(delivery, **changed), f"{name} was taken"
    print(f"{len(tampered)} forgeries refused")


if __name__ == "__main__":
    main()
