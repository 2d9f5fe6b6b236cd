"""Reads response streams through boto3, chunk by chunk."""

import json
import sys

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

package, runtime = open(sys.argv[1], "rb").read(), sys.argv[2]
session = boto3.Session()
iam, lam = session.client("iam"), session.client("lambda")

role = iam.create_role(
    RoleName="boto3",
    AssumeRolePolicyDocument=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
)["Role"]


def create(name):
    lam.create_function(
        FunctionName=name, Runtime=runtime, Handler="index.handler", Role=role["Arn"], Timeout=30, Code={"ZipFile": package}
    )
    lam.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def stream(payload, **more):
    return lam.invoke_with_response_stream(FunctionName="streaming", Payload=json.dumps(payload), **more)


create("streaming")

# The function writes "first" and then asks whether a function "go-on" exists, with a
# request signed here, until it does.
path = "/2015-03-31/functions/go-on"
question = AWSRequest("GET", lam.meta.endpoint_url + path)
SigV4Auth(session.get_credentials(), "lambda", session.region_name).add_auth(question)
headers = {"Host": lam.meta.endpoint_url.split("//")[1], **dict(question.headers.items())}
answer = stream({"do": "wait", "request": {"path": path, "headers": headers}}, LogType="Tail")
assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST", answer
events = iter(answer["EventStream"])
seen = b""
while seen != b"first":
    seen += next(events)["PayloadChunk"]["Payload"]
create("go-on")
seen = b""
for event in events:
    if "InvokeComplete" in event:
        break
    seen += event["PayloadChunk"]["Payload"]
assert seen == b"second", seen
assert "ErrorCode" not in event["InvokeComplete"] and event["InvokeComplete"]["LogResult"], event
assert next(events, None) is None

# An error in the middle.
events = list(stream({"do": "late"})["EventStream"])
assert b"".join(e["PayloadChunk"]["Payload"] for e in events[:-1]) == b"half", events
complete = events[-1]["InvokeComplete"]
assert complete["ErrorCode"] == "Unhandled", complete
assert json.loads(complete["ErrorDetails"])["errorMessage"] == "late", complete

# Refusals come before the stream.
try:
    lam.invoke_with_response_stream(FunctionName="missing")
    raise AssertionError("a function that does not exist was invoked")
except ClientError as e:
    assert e.response["Error"]["Code"] == "ResourceNotFoundException", e.response

dry = stream({}, InvocationType="DryRun")
assert dry["StatusCode"] == 204, dry

print("all checks passed")
