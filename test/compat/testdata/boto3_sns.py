"""SNS through boto3: each protocol that needs no function, errors, paginators."""
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
from botocore.exceptions import ClientError

sns, sqs = boto3.client("sns"), boto3.client("sqs")


def refused(code, status, fn, **kwargs):
    try:
        fn(**kwargs)
    except ClientError as e:
        got = e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == (code, status), e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{fn.__name__} did not fail")


topic = sns.create_topic(Name="boto3", Attributes={"SignatureVersion": "2"})["TopicArn"]
assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SignatureVersion"] == "2"
queue = sqs.create_queue(QueueName="boto3")["QueueUrl"]
queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                   "Resource": queue_arn, "Condition": {"ArnLike": {"aws:SourceArn": topic}}}],
})})
sub = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
batch = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
    {"Id": "a", "Message": "first", "MessageAttributes": {"é".encode().hex(): {"DataType": "Binary", "BinaryValue": b"\x00"}}},
    {"Id": "b", "Message": "second"},
    {"Id": "c", "Message": "third", "MessageDeduplicationId": "x"},
])
assert [e["Id"] for e in batch["Successful"]] == ["a", "b"], batch
assert [(e["Id"], e["Code"], e["SenderFault"]) for e in batch["Failed"]] == [("c", "InvalidParameter", True)], batch
got = {}
while len(got) < 2:
    for m in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)["Messages"]:
        body = json.loads(m["Body"])
        got[body["Message"]] = body
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
assert set(got) == {"first", "second"}, got
assert got["first"]["MessageAttributes"] == {"c3a9": {"Type": "Binary", "Value": "AA=="}}, got
assert got["first"]["MessageId"] == batch["Successful"][0]["MessageId"]

arrived = []
came = threading.Condition()


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        with came:
            arrived.append((self.headers["x-amz-sns-message-type"], json.loads(body)))
            came.notify()

    def log_message(self, *args):
        pass


def next_arrival():
    with came:
        assert came.wait_for(lambda: arrived, timeout=20), "nothing came"
        return arrived.pop(0)


server = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/x")
assert pending["SubscriptionArn"] == "pending confirmation", pending
kind, message = next_arrival()
assert kind == "SubscriptionConfirmation", kind
http_sub = sns.confirm_subscription(TopicArn=topic, Token=message["Token"])["SubscriptionArn"]
sns.publish(TopicArn=topic, Message=json.dumps({"default": "all", "http": "web"}), MessageStructure="json", Subject="s")
kind, message = next_arrival()
assert (kind, message["Message"], message["Subject"]) == ("Notification", "web", "s"), message

listed = [s["SubscriptionArn"] for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
          for s in page["Subscriptions"]]
assert sorted(listed) == sorted([sub, http_sub]), listed
assert [t["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]] == [topic]

assert refused("NotFound", 404, sns.publish, TopicArn=topic + "x", Message="m") == "Topic does not exist"
refused("InvalidParameter", 400, sns.publish, TopicArn=topic, Message="")
refused("EmptyBatchRequest", 400, sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[])
refused("InvalidParameter", 400, sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint="nonsense")
try:
    sns.get_subscription_attributes(SubscriptionArn=topic + ":none")
    raise AssertionError("there is such a subscription")
except sns.exceptions.NotFoundException:
    pass
sns.delete_topic(TopicArn=topic)
assert sns.list_subscriptions()["Subscriptions"] == []
print("all checks passed")
