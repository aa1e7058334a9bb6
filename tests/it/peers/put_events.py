"""put_events.py ENDPOINT ENTRIES: publishes with boto3 and prints the answer."""

import json
import sys

import boto3

endpoint, entries = sys.argv[1:]
answer = boto3.client("events", endpoint_url=endpoint).put_events(Entries=json.loads(entries))
print(json.dumps({"FailedEntryCount": answer["FailedEntryCount"], "Entries": answer["Entries"]}))
