import json
import os

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def lambda_handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            store(json.loads(record["body"]))
        except (ClientError, ValueError, KeyError) as e:
            print("order not stored:", record["messageId"], e)
            failures.append({"itemIdentifier": record["messageId"]})
    # The others are deleted from the queue; these come again, or end in the
    # dead-letter queue.
    return {"batchItemFailures": failures}


def store(order):
    try:
        table.put_item(
            Item={"id": order["id"], "item": order["item"], "amount": int(order["amount"])},
            ConditionExpression="attribute_not_exists(id)",
        )
        print("stored", order["id"])
    except ClientError as e:
        # A queue delivers at least once: a second time there is nothing to do.
        if e.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
