"""sqs_queue.py ENDPOINT create NAME | drain URL COUNT: makes a queue, or takes messages until COUNT came and no more follow."""

import json
import sys
import time

import boto3


def document(message):
    said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    return {"body": message["Body"], "attributes": message.get("Attributes", {}), "message_attributes": said}


endpoint, verb, *rest = sys.argv[1:]
sqs = boto3.client("sqs", endpoint_url=endpoint)
if verb == "create":
    print(json.dumps({"url": sqs.create_queue(QueueName=rest[0])["QueueUrl"]}))
else:
    url, count = rest[0], int(rest[1])
    messages, deadline, silent = [], time.monotonic() + 30, 0
    while time.monotonic() < deadline and (len(messages) < count or silent < 1):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0 if len(messages) < count else 1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            VisibilityTimeout=600,
        ).get("Messages", [])
        messages += [document(message) for message in answer]
        silent = 0 if answer else silent + 1
        if not answer and len(messages) < count:
            time.sleep(0.05)
    print(json.dumps(messages))
