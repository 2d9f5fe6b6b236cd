"""Uses Lambda, IAM and CloudWatch Logs through boto3 as programs do."""

import base64
import json
import sys

import boto3
from botocore.exceptions import ClientError

package, runtime = open(sys.argv[1], "rb").read(), sys.argv[2]
iam, lam, logs, sts = (boto3.client(s) for s in ("iam", "lambda", "logs", "sts"))

assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"

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
assert iam.get_role(RoleName="boto3")["Role"]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"
iam.attach_role_policy(RoleName="boto3", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")

created = lam.create_function(
    FunctionName="boto3",
    Runtime=runtime,
    Handler="index.handler",
    Role=role["Arn"],
    Code={"ZipFile": package},
    Environment={"Variables": {"GREETING": "grüße <&>"}},
    Tags={"team": "a"},
)
assert created["State"] == "Pending" and created["MemorySize"] == 128, created
lam.get_waiter("function_active_v2").wait(FunctionName="boto3", WaiterConfig={"Delay": 1})

got = lam.get_function(FunctionName="boto3")
assert got["Configuration"]["Environment"]["Variables"]["GREETING"] == "grüße <&>", got
assert got["Tags"] == {"team": "a"}, got

answer = lam.invoke(FunctionName="boto3", Payload=json.dumps({"name": "Ada"}), LogType="Tail")
assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST", answer
assert json.load(answer["Payload"]) == {"greeting": "Hello, Ada"}
assert b"seen Ada" in base64.b64decode(answer["LogResult"])

failed = lam.invoke(FunctionName="boto3", Payload=json.dumps({"fail": True}))
assert failed["FunctionError"] == "Unhandled", failed
error = json.load(failed["Payload"])
assert error["errorType"] == "TypeError" and error["errorMessage"] == "asked to", error

assert lam.invoke(FunctionName="boto3", InvocationType="DryRun")["StatusCode"] == 204

messages = [e["message"] for e in logs.filter_log_events(logGroupName="/aws/lambda/boto3")["events"]]
assert any("seen Ada" in m for m in messages), messages

version = lam.publish_version(FunctionName="boto3")
assert version["Version"] == "1", version
lam.create_alias(FunctionName="boto3", Name="live", FunctionVersion="1")
assert json.load(lam.invoke(FunctionName="boto3", Qualifier="live", Payload='{"name":"v1"}')["Payload"]) == {"greeting": "Hello, v1"}

names = [f["FunctionName"] for page in lam.get_paginator("list_functions").paginate() for f in page["Functions"]]
assert names == ["boto3"], names

for call, code in (
    (lambda: lam.get_function(FunctionName="absent"), "ResourceNotFoundException"),
    (lambda: lam.invoke(FunctionName="absent"), "ResourceNotFoundException"),
    (lambda: lam.invoke(FunctionName="boto3", Payload="{"), "InvalidRequestContentException"),
    (lambda: iam.get_role(RoleName="absent"), "NoSuchEntity"),
    (lambda: iam.delete_role(RoleName="boto3"), "DeleteConflict"),
    (lambda: logs.get_log_events(logGroupName="absent", logStreamName="x"), "ResourceNotFoundException"),
):
    try:
        call()
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, (code, e.response)
    else:
        raise AssertionError("no " + code)

lam.delete_function(FunctionName="boto3")
print("all checks passed")
