# What people do with queues in boto3; every assert is a promise of its documentation.
import sys

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")

# The client knows the exceptions of the model, and the codes of the query protocol.
try:
    sqs.get_queue_url(QueueName="none")
    sys.exit("a queue that does not exist was found")
except sqs.exceptions.QueueDoesNotExist as e:
    assert e.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", e.response
    assert e.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist", e.response

url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"}, tags={"a": "b"})["QueueUrl"]
assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
assert sqs.list_queues(QueueNamePrefix="q")["QueueUrls"] == [url]
assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="x")

sent = sqs.send_message(
    QueueUrl=url, MessageBody="hello", DelaySeconds=0,
    MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}},
)
got = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], WaitTimeSeconds=1)["Messages"][0]
assert got["MessageId"] == sent["MessageId"] and got["Body"] == "hello"
assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
assert got["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\x01"
assert got["Attributes"]["ApproximateReceiveCount"] == "1"
assert "Messages" not in sqs.receive_message(QueueUrl=url)
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
got = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"][0]
sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
try:
    sqs.delete_message(QueueUrl=url, ReceiptHandle="forged")
    sys.exit("a forged receipt was taken")
except sqs.exceptions.ReceiptHandleIsInvalid:
    pass

out = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": str(i), "DelaySeconds": 901 if i == 3 else 0} for i in range(5)])
assert len(out["Successful"]) == 4 and out["Failed"][0]["Id"] == "3" and out["Failed"][0]["SenderFault"], out
got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
assert len(got) == 4
sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in got])

# The resource interface, as older programs have it.
queue = boto3.resource("sqs").get_queue_by_name(QueueName="q")
queue.send_message(MessageBody="from a resource")
(m,) = queue.receive_messages(MaxNumberOfMessages=1, WaitTimeSeconds=1)
assert m.body == "from a resource"
m.delete()
assert queue.attributes["ApproximateNumberOfMessages"] == "0"
queue.add_permission(Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
queue.remove_permission(Label="l")
queue.purge()

fifo = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
a = sqs.send_message(QueueUrl=fifo, MessageBody="1", MessageGroupId="g")
b = sqs.send_message(QueueUrl=fifo, MessageBody="1", MessageGroupId="g")
assert a["SequenceNumber"] == b["SequenceNumber"] and len(a["SequenceNumber"]) == 20
try:
    sqs.send_message(QueueUrl=fifo, MessageBody="1")
    sys.exit("a message without a group was taken")
except ClientError as e:
    assert e.response["Error"]["Code"] == "MissingParameter", e.response

pages = sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 1})
assert [u for p in pages for u in p["QueueUrls"]] == [url, fifo]
assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
sqs.delete_queue(QueueUrl=url)
print("all checks passed")
