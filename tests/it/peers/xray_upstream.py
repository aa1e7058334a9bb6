"""xray_upstream.py ENDPOINT ENTRIES: publishes with boto3 inside a segment of the X-Ray SDK; prints the trace."""

import json
import logging
import sys

import boto3
from aws_xray_sdk.core import patch, xray_recorder

logging.getLogger("aws_xray_sdk").setLevel(logging.CRITICAL)
endpoint, entries = sys.argv[1:]
xray_recorder.configure(service="upstream", sampling=False, context_missing="LOG_ERROR")
patch(["botocore"])
segment = xray_recorder.begin_segment("upstream")
answer = boto3.client("events", endpoint_url=endpoint).put_events(Entries=json.loads(entries))
parents = [subsegment.id for subsegment in segment.subsegments]
xray_recorder.end_segment()
print(json.dumps({"trace": segment.trace_id, "parents": parents, "failed": answer["FailedEntryCount"]}))
