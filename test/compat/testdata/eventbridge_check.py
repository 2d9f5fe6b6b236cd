"""EventBridge through boto3: rules to queues, errors, paginators, a replay."""
import datetime
import json
import time

import boto3
from botocore.exceptions import ClientError

events, sqs = boto3.client("events"), boto3.client("sqs")
PREFIX = "arn:aws:events:us-east-1:000000000000:"


def refused(code, status, fn, **kwargs):
    try:
        fn(**kwargs)
    except ClientError as e:
        got = e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == (code, status), e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{fn.__name__} did not fail")


url = sqs.create_queue(QueueName="boto3")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
                   "Resource": arn, "Condition": {"ArnLike": {"aws:SourceArn": PREFIX + "rule/boto3/*"}}}],
})})


def take():
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    return json.loads(got["Body"])


bus = events.create_event_bus(Name="boto3", Tags=[{"Key": "a", "Value": "b"}])["EventBusArn"]
assert events.describe_event_bus(Name="boto3")["Arn"] == bus == PREFIX + "event-bus/boto3"
assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [{"Key": "a", "Value": "b"}]
events.create_archive(ArchiveName="boto3", EventSourceArn=bus)
pattern = {"source": ["shop"], "detail": {"$or": [{"n": [{"numeric": ["<", 5]}]}, {"kind": [{"wildcard": "b*k"}]}]}}
rule = events.put_rule(Name="r", EventBusName="boto3", EventPattern=json.dumps(pattern))["RuleArn"]
out = events.put_targets(Rule="r", EventBusName="boto3", Targets=[{"Id": "q", "Arn": arn}])
assert out["FailedEntryCount"] == 0 and out["FailedEntries"] == [], out

when = datetime.datetime(2024, 2, 29, 12, 0, 0, tzinfo=datetime.timezone.utc)
out = events.put_events(Entries=[
    {"EventBusName": "boto3", "Source": "shop", "DetailType": "T", "Detail": json.dumps(d), "Time": when}
    for d in ({"n": 7}, {"n": 7, "kind": "book", "title": "Grüße <&>"})
] + [{"EventBusName": "boto3", "Source": "shop", "DetailType": "T", "Detail": "no"}])
assert out["FailedEntryCount"] == 1 and out["Entries"][2]["ErrorCode"] == "MalformedDetail", out
got = take()
assert got["id"] == out["Entries"][1]["EventId"], got
assert list(got) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"], got
assert got["time"] == "2024-02-29T12:00:00Z" and got["detail"]["title"] == "Grüße <&>", got

events.start_replay(ReplayName="again", EventSourceArn=PREFIX + "archive/boto3", EventStartTime=when,
                    EventEndTime=when + datetime.timedelta(seconds=1), Destination={"Arn": bus, "FilterArns": [rule]})
again = take()
assert again["replay-name"] == "again" and again["id"] == got["id"], again
while (state := events.describe_replay(ReplayName="again"))["State"] != "COMPLETED":
    time.sleep(0.05)
assert state["EventLastReplayedTime"] == when, state
assert events.describe_archive(ArchiveName="boto3")["EventCount"] == 2

for i in range(5):
    events.put_rule(Name=f"many-{i}", EventBusName="boto3", EventPattern='{"source":["x"]}', State="DISABLED")
pages = list(events.get_paginator("list_rules").paginate(EventBusName="boto3", NamePrefix="many", PaginationConfig={"PageSize": 2}))
assert [r["Name"] for p in pages for r in p["Rules"]] == [f"many-{i}" for i in range(5)] and len(pages) == 3, pages

assert "must be an object or an array" in refused("InvalidEventPatternException", 400, events.put_rule, Name="bad", EventPattern='{"source":"x"}')
refused("ResourceNotFoundException", 400, events.describe_rule, Name="none")
refused("ResourceAlreadyExistsException", 400, events.create_event_bus, Name="boto3")
refused("ValidationException", 400, events.delete_rule, Name="r", EventBusName="boto3")
refused("ValidationException", 400, events.put_rule, Name="bad", ScheduleExpression="rate(1 minutes)")
refused("NotImplementedException", 501, events.list_connections)

events.remove_targets(Rule="r", EventBusName="boto3", Ids=["q"])
for r in ["r"] + [f"many-{i}" for i in range(5)]:
    events.delete_rule(Name=r, EventBusName="boto3")
events.delete_archive(ArchiveName="boto3")
events.delete_event_bus(Name="boto3")
print("all checks passed")
