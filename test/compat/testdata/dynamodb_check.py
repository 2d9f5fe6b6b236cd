"""Uses DynamoDB as boto3's guides do, resource API and client, and asserts for itself."""
import decimal
import sys
import time

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

D = decimal.Decimal
db = boto3.resource("dynamodb")
client = boto3.client("dynamodb")
streams = boto3.client("dynamodbstreams")


def refused(code, call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response["Error"]
        return e.response
    raise AssertionError("expected " + code)


table = db.create_table(
    TableName="users",
    KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
    AttributeDefinitions=[
        {"AttributeName": "name", "AttributeType": "S"},
        {"AttributeName": "year", "AttributeType": "N"},
        {"AttributeName": "city", "AttributeType": "S"},
    ],
    GlobalSecondaryIndexes=[{
        "IndexName": "by-city",
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    }],
    ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)
table.wait_until_exists()
table.reload()
assert table.table_status == "ACTIVE" and table.item_count == 0
refused("ResourceInUseException", client.create_table, TableName="users", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}])

item = {
    "name": "ada", "year": D("1815"), "city": "London", "pi": D("3.1415926535897932384626433832795028841"),
    "tags": {"x", "y"}, "primes": {D(2), D(3)}, "raw": b"\x00\xff", "none": None, "yes": True,
    "nested": {"list": [1, "two", {"three": D("3")}], "empty": {}}, "blank": "",
}
table.put_item(Item=item)
got = table.get_item(Key={"name": "ada", "year": 1815}, ConsistentRead=True)["Item"]
assert got["pi"] == item["pi"] and got["tags"] == item["tags"] and got["primes"] == item["primes"], got
assert got["raw"] == Binary(b"\x00\xff") and got["none"] is None and got["nested"] == item["nested"], got

with table.batch_writer() as batch:
    for year in range(1900, 1960):
        batch.put_item(Item={"name": "bob", "year": year, "city": "Paris" if year % 2 else "Rome", "n": year})
pages = []
kwargs = {"KeyConditionExpression": Key("name").eq("bob") & Key("year").between(1910, 1930), "FilterExpression": Attr("n").gt(1915), "Limit": 10}
while True:
    page = table.query(**kwargs)
    pages.append(page)
    if "LastEvaluatedKey" not in page:
        break
    kwargs["ExclusiveStartKey"] = page["LastEvaluatedKey"]
found = [i["year"] for p in pages for i in p["Items"]]
assert found == list(range(1916, 1931)), found
assert sum(p["ScannedCount"] for p in pages) == 21
paris = table.query(IndexName="by-city", KeyConditionExpression=Key("city").eq("Paris"), ScanIndexForward=False, Select="COUNT")
assert paris["Count"] == 30 and "Items" not in paris
assert len(table.scan(FilterExpression=Attr("city").is_in(["Paris", "London"]) & Attr("year").exists())["Items"]) == 31

up = table.update_item(
    Key={"name": "ada", "year": 1815}, ReturnValues="UPDATED_NEW",
    UpdateExpression="SET #c = :c, nested.#l[0] = if_not_exists(absent, :one), #n = if_not_exists(#n, :zero) + :one REMOVE blank ADD primes :p DELETE tags :t",
    ExpressionAttributeNames={"#c": "city", "#l": "list", "#n": "counter"},
    ExpressionAttributeValues={":c": "Paris", ":one": 1, ":zero": 0, ":p": {D(5)}, ":t": {"x"}},
)
assert up["Attributes"] == {"city": "Paris", "nested": {"list": [1]}, "counter": 1, "primes": {D(2), D(3), D(5)}, "tags": {"y"}}, up["Attributes"]
failed = refused("ConditionalCheckFailedException", table.put_item, Item={"name": "ada", "year": 1815},
                 ConditionExpression=Attr("name").not_exists(), ReturnValuesOnConditionCheckFailure="ALL_OLD")
assert failed["Item"]["city"] == {"S": "Paris"}, failed
refused("ValidationException", table.update_item, Key={"name": "ada", "year": 1815}, UpdateExpression="SET year = :y", ExpressionAttributeValues={":y": 1})

bad = refused("TransactionCanceledException", client.transact_write_items, TransactItems=[
    {"Put": {"TableName": "users", "Item": {"name": {"S": "eve"}, "year": {"N": "1"}}}},
    {"ConditionCheck": {"TableName": "users", "Key": {"name": {"S": "ada"}, "year": {"N": "1815"}},
                        "ConditionExpression": "city = :c", "ExpressionAttributeValues": {":c": {"S": "Rome"}}}},
])
assert [r["Code"] for r in bad["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], bad
assert "Item" not in table.get_item(Key={"name": "eve", "year": 1})
client.transact_write_items(ClientRequestToken="once", TransactItems=[
    {"Update": {"TableName": "users", "Key": {"name": {"S": "eve"}, "year": {"N": "1"}}, "UpdateExpression": "ADD hits :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}}}},
])
client.transact_write_items(ClientRequestToken="once", TransactItems=[
    {"Update": {"TableName": "users", "Key": {"name": {"S": "eve"}, "year": {"N": "1"}}, "UpdateExpression": "ADD hits :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}}}},
])
both = client.transact_get_items(TransactItems=[
    {"Get": {"TableName": "users", "Key": {"name": {"S": "eve"}, "year": {"N": "1"}}}},
    {"Get": {"TableName": "users", "Key": {"name": {"S": "nobody"}, "year": {"N": "1"}}}},
])["Responses"]
assert both[0]["Item"]["hits"] == {"N": "1"} and "Item" not in both[1], both

# The older parameters.
client.update_item(TableName="users", Key={"name": {"S": "eve"}, "year": {"N": "1"}},
                   AttributeUpdates={"hits": {"Action": "ADD", "Value": {"N": "4"}}}, Expected={"hits": {"Value": {"N": "1"}}})
old = client.query(TableName="users", KeyConditions={"name": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "eve"}]}},
                   QueryFilter={"hits": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "4"}]}}, AttributesToGet=["hits"])
assert old["Items"] == [{"hits": {"N": "5"}}], old

# The stream.
stream = streams.describe_stream(StreamArn=table.latest_stream_arn)["StreamDescription"]
assert stream["StreamStatus"] == "ENABLED" and len(stream["Shards"]) == 1
it = streams.get_shard_iterator(StreamArn=table.latest_stream_arn, ShardId=stream["Shards"][0]["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
records = streams.get_records(ShardIterator=it)["Records"]
assert [r["eventName"] for r in records[:1] + records[-1:]] == ["INSERT", "MODIFY"] and len(records) == 64, len(records)
assert records[-1]["dynamodb"]["OldImage"]["hits"] == {"N": "1"} and records[-1]["dynamodb"]["NewImage"]["hits"] == {"N": "5"}

# Time to live.
client.update_time_to_live(TableName="users", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
table.put_item(Item={"name": "soon", "year": 1, "expires": int(time.time()) - 5})
deadline = time.time() + 45
while "Item" in table.get_item(Key={"name": "soon", "year": 1}):
    assert time.time() < deadline, "the item does not expire"
    time.sleep(1)
client.tag_resource(ResourceArn=table.table_arn, Tags=[{"Key": "team", "Value": "blue"}])
assert client.list_tags_of_resource(ResourceArn=table.table_arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
assert [t.name for t in db.tables.all()] == ["users"]
refused("NotImplementedException", client.execute_statement, Statement="SELECT * FROM users")
table.delete()
table.wait_until_not_exists()
refused("ResourceNotFoundException", client.describe_table, TableName="users")
print("all checks passed", file=sys.stdout)
