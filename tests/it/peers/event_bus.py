"""event_bus.py ENDPOINT BUS QUEUE: makes a bus in moto whose rule sends everything to a new queue; prints its URL."""

import json
import sys

import boto3

endpoint, bus, queue = sys.argv[1:]
events = boto3.client("events", endpoint_url=endpoint)
sqs = boto3.client("sqs", endpoint_url=endpoint)
url = sqs.create_queue(QueueName=queue)["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
events.create_event_bus(Name=bus)
events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"account": [{"exists": True}]}))
events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
print(json.dumps({"url": url}))
