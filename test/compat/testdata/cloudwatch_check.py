"""Metrics with boto3: what a function did, and what a user puts. Asserts for itself.

It speaks each protocol of CloudWatch that botocore knows: the client's own choice, and
the others forced, as older versions speak them.
"""

import datetime
import json
import sys
import time

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError


def client_of(protocol):
    session = botocore.session.get_session()
    if protocol:
        loader = session.get_component("data_loader")
        original = loader.load_service_model

        def load(service, kind, api_version=None):
            model = original(service, kind, api_version)
            if service == "cloudwatch" and kind == "service-2":
                model = json.loads(json.dumps(model))
                model["metadata"]["protocol"] = protocol
                model["metadata"]["protocols"] = [protocol]
                model["metadata"].setdefault("jsonVersion", "1.0")
                model["metadata"].setdefault("targetPrefix", "GraniteServiceVersion20100801")
            return model

        loader.load_service_model = load
    return session.create_client("cloudwatch", config=Config(retries={"max_attempts": 0}))


now = datetime.datetime.now(datetime.timezone.utc)
hour = datetime.timedelta(hours=1)

for protocol in [None, "query", "json", "smithy-rpc-v2-cbor"]:
    c = client_of(protocol)
    namespace = "check/" + (protocol or "own")
    c.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": "m", "Values": [1.0, 2.0], "Counts": [3, 1], "Unit": "Seconds", "Dimensions": [{"Name": "d", "Value": "<&>"}]},
            {"MetricName": "other", "Value": 0.5, "Timestamp": now},
        ],
    )
    listed = c.list_metrics(Namespace=namespace)["Metrics"]
    assert [m["MetricName"] for m in listed] == ["m", "other"], listed
    assert listed[0]["Dimensions"] == [{"Name": "d", "Value": "<&>"}], listed
    points = c.get_metric_statistics(
        Namespace=namespace, MetricName="m", Dimensions=[{"Name": "d", "Value": "<&>"}], StartTime=now - hour, EndTime=now + hour,
        Period=7200, Statistics=["Sum", "SampleCount", "Maximum"], ExtendedStatistics=["p50"],
    )["Datapoints"]
    assert len(points) == 1 and points[0]["Unit"] == "Seconds", points
    assert (points[0]["Sum"], points[0]["SampleCount"], points[0]["Maximum"]) == (5.0, 4.0, 2.0), points
    assert abs(points[0]["ExtendedStatistics"]["p50"] - 1) < 0.02, points
    data = c.get_metric_data(
        MetricDataQueries=[
            {"Id": "a", "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": "other"}, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            {"Id": "e", "Expression": "a * 4"},
        ],
        StartTime=now - hour, EndTime=now + hour,
    )["MetricDataResults"]
    assert len(data) == 1 and data[0]["Values"] == [2.0] and data[0]["Timestamps"][0] <= now, data
    try:
        c.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1}])
        raise AssertionError("AWS's own namespace was written")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "InvalidParameterValue", (protocol, e.response)
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400, e.response
    try:
        c.put_metric_alarm(AlarmName="a", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1)
        raise AssertionError("an alarm was made")
    except ClientError as e:
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 501, (protocol, e.response)

# A body over 10 KiB goes out compressed.
c = boto3.client("cloudwatch")
c.put_metric_data(Namespace="check/large", MetricData=[{"MetricName": "m%d" % i, "Value": i} for i in range(900)])
count = sum(len(page["Metrics"]) for page in c.get_paginator("list_metrics").paginate(Namespace="check/large"))
assert count == 900, count

# What a function did.
function, calls, failures = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def total(metric, stat="Sum", **dims):
    points = c.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=metric, Dimensions=[{"Name": k, "Value": v} for k, v in dims.items()],
        StartTime=now - hour, EndTime=now + 2 * hour, Period=10800, Statistics=[stat],
    )["Datapoints"]
    return points[0][stat] if points else None


assert total("Invocations", FunctionName=function) == calls
assert total("Invocations", FunctionName=function, Resource=function) == calls
assert total("Invocations") >= calls
assert total("Errors", FunctionName=function) == failures
assert total("Throttles", FunctionName=function) == 0
assert total("Duration", "Maximum", FunctionName=function) > 0
assert total("ConcurrentExecutions", "Maximum", FunctionName=function) >= 1
names = {m["MetricName"] for m in c.list_metrics(Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": function}])["Metrics"]}
assert {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"} <= names, names
print("all checks passed")
