"""Uses EventBridge Scheduler through boto3, and asserts for itself."""

import datetime
import json

import boto3
from botocore.exceptions import ClientError

iam, sqs, scheduler = boto3.client("iam"), boto3.client("sqs"), boto3.client("scheduler")
trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}],
}
role = iam.create_role(RoleName="scheduler", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(
    RoleName="scheduler",
    PolicyName="send",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}),
)
url = sqs.create_queue(QueueName="target")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
off = {"Mode": "OFF"}

group = scheduler.create_schedule_group(Name="mine", Tags=[{"Key": "a", "Value": "b"}])["ScheduleGroupArn"]
assert group.endswith(":schedule-group/mine"), group
assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "a", "Value": "b"}]

soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S")
scheduler.create_schedule(
    Name="once",
    GroupName="mine",
    ScheduleExpression=f"at({soon})",
    FlexibleTimeWindow=off,
    ActionAfterCompletion="DELETE",
    Target={"Arn": arn, "RoleArn": role, "Input": json.dumps({"at": "<aws.scheduler.scheduled-time>", "n": "<aws.scheduler.attempt-number>"})},
)
messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", [])
assert len(messages) == 1, messages
assert json.loads(messages[0]["Body"]) == {"at": soon + "Z", "n": "1"}, messages
sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])

scheduler.create_schedule(
    Name="universal",
    ScheduleExpression="rate(1 hour)",
    FlexibleTimeWindow=off,
    Target={
        "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        "RoleArn": role,
        "Input": json.dumps({"QueueUrl": url, "MessageBody": "hello", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}}),
    },
)
messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"]).get("Messages", [])
assert [m["Body"] for m in messages] == ["hello"], messages
assert messages[0]["MessageAttributes"]["a"]["StringValue"] == "b", messages

got = scheduler.get_schedule(Name="universal")
assert got["State"] == "ENABLED" and got["ScheduleExpressionTimezone"] == "UTC" and got["ActionAfterCompletion"] == "NONE", got
assert [s["Name"] for s in scheduler.list_schedules(State="ENABLED")["Schedules"]] == ["universal"]
try:
    scheduler.get_schedule(Name="once", GroupName="mine")
    raise AssertionError("the schedule that ran once is still there")
except scheduler.exceptions.ResourceNotFoundException as e:
    assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 404, e.response
for wrong, code in [({"ScheduleExpression": "rate(1 fortnight)"}, "ValidationException"), ({"GroupName": "none"}, "ResourceNotFoundException")]:
    ask = {"Name": "x", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": off, "Target": {"Arn": arn, "RoleArn": role}}
    try:
        scheduler.create_schedule(**{**ask, **wrong})
        raise AssertionError(f"{wrong} was taken")
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
try:
    scheduler.create_schedule(Name="x", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=off, Target={"Arn": arn, "RoleArn": role + "2"})
    raise AssertionError("a role that does not exist was taken")
except scheduler.exceptions.ValidationException as e:
    assert "must allow AWS EventBridge Scheduler to assume the role" in str(e), e
scheduler.delete_schedule(Name="universal")
scheduler.delete_schedule_group(Name="mine")
print("all checks passed")
