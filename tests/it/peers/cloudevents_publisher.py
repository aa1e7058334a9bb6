"""cloudevents_publisher.py URL: publishes one event in binary and one in structured mode with the CloudEvents SDK."""

import json
import sys
import urllib.request

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

url = sys.argv[1]


def event(id):
    attributes = {
        "id": id,
        "source": "/python",
        "type": "com.example.greeting",
        "specversion": "1.0",
        "subject": "Euro \u20ac \U0001f600",
        "datacontenttype": "application/json",
        "shop": "paris 6",
    }
    return CloudEvent(attributes=attributes, data={"hello": "world"})


def send(message):
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    request = urllib.request.Request(url, data=body, headers=message.headers, method="POST")
    with urllib.request.urlopen(request) as response:
        return response.status


print(json.dumps({"binary": send(to_binary_event(event("b-1"))), "structured": send(to_structured_event(event("s-1")))}))
