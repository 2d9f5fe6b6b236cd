"""Runs every waiter and every paginator of Lambda that boto3 knows."""

import sys

import boto3
from botocore import xform_name
from botocore.exceptions import WaiterError

package, role = open(sys.argv[1], "rb").read(), sys.argv[2]
lam = boto3.client("lambda")
N = 7  # of everything that is listed
queue = "arn:aws:kinesis:us-east-1:000000000000:stream/s%d"


def function(name):
    lam.create_function(FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role, Code={"ZipFile": package})
    lam.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


functions = ["f%d" % i for i in range(N)]
for name in functions:
    function(name)

# Waiters: each returns for what is there, and gives up on what is not.
lam.publish_version(FunctionName="f0")
arguments = {"published_version_active": {"FunctionName": "f0", "Qualifier": "1"}}
for name in lam.waiter_names:
    waiter = lam.get_waiter(name)
    waiter.wait(**arguments.get(name, {"FunctionName": "f0"}), WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    try:
        waiter.wait(FunctionName="absent", WaiterConfig={"Delay": 0, "MaxAttempts": 3})
        raise AssertionError(name + " found a function that is absent")
    except WaiterError as e:
        assert "ResourceNotFoundException" in str(e) or "Max attempts" in str(e), (name, e)
lam.update_function_configuration(FunctionName="f0", Description="changed")
lam.get_waiter("function_updated").wait(FunctionName="f0", WaiterConfig={"Delay": 1})

# Paginators: N of everything, or N+1 where there is one more without being asked for.
signing = []
for i in range(N):
    config = lam.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abcdefghij"]}
    )["CodeSigningConfig"]
    signing.append(config["CodeSigningConfigArn"])
for i in range(N):
    if i > 0:  # f0 has version 1
        lam.update_function_configuration(FunctionName="f0", Description="version %d" % i)
        lam.get_waiter("function_updated_v2").wait(FunctionName="f0", WaiterConfig={"Delay": 1})
        lam.publish_version(FunctionName="f0")
    alias = "alias%d" % i
    lam.create_alias(FunctionName="f0", Name=alias, FunctionVersion=str(i + 1))
    lam.put_function_event_invoke_config(FunctionName="f0", Qualifier=alias, MaximumRetryAttempts=1)
    lam.create_function_url_config(FunctionName="f0", Qualifier=alias, AuthType="NONE")
    lam.put_provisioned_concurrency_config(FunctionName="f0", Qualifier=alias, ProvisionedConcurrentExecutions=1)
    lam.create_event_source_mapping(FunctionName="f0", EventSourceArn=queue % i, StartingPosition="LATEST", Enabled=False)
    lam.publish_layer_version(LayerName="versions", Content={"ZipFile": package})
    if i > 0:  # beside the one named versions
        lam.publish_layer_version(LayerName="layer%d" % i, Content={"ZipFile": package})
    lam.put_function_code_signing_config(FunctionName=functions[i], CodeSigningConfigArn=signing[0])

listed = {  # arguments, member, what tells entries apart, how many there are
    "list_aliases": ({"FunctionName": "f0"}, "Aliases", "Name", N),
    "list_code_signing_configs": ({}, "CodeSigningConfigs", "CodeSigningConfigArn", N),
    "list_event_source_mappings": ({}, "EventSourceMappings", "UUID", N),
    "list_function_event_invoke_configs": ({"FunctionName": "f0"}, "FunctionEventInvokeConfigs", "FunctionArn", N),
    "list_function_url_configs": ({"FunctionName": "f0"}, "FunctionUrlConfigs", "FunctionArn", N),
    "list_functions": ({}, "Functions", "FunctionName", N),
    "list_functions_by_code_signing_config": ({"CodeSigningConfigArn": signing[0]}, "FunctionArns", None, N),
    "list_layer_versions": ({"LayerName": "versions"}, "LayerVersions", "Version", N),
    "list_layers": ({}, "Layers", "LayerName", N),
    "list_provisioned_concurrency_configs": ({"FunctionName": "f0"}, "ProvisionedConcurrencyConfigs", "FunctionArn", N),
    "list_versions_by_function": ({"FunctionName": "f0"}, "Versions", "Version", N + 1),
}
# Durable functions and managed instances: there is nothing to list.
niche = {
    "get_durable_execution_history",
    "get_durable_execution_state",
    "list_capacity_providers",
    "list_durable_executions_by_function",
    "list_function_versions_by_capacity_provider",
}
known = {xform_name(o) for o in lam.meta.service_model.operation_names if lam.can_paginate(xform_name(o))}
assert known == set(listed) | niche, known ^ (set(listed) | niche)
for operation, (arguments, member, key, count) in sorted(listed.items()):
    for size in (1, 2, 3, N, 50):
        pages = list(lam.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": size}))
        found = [e if key is None else e[key] for p in pages for e in p[member]]
        assert len(found) == len(set(found)) == count, (operation, size, found)
        assert len(pages) <= -(-count // size), (operation, size, len(pages))
    some = lam.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": 2, "MaxItems": 3})
    first = some.build_full_result()
    assert len(first[member]) == 3, (operation, first)
    rest = lam.get_paginator(operation).paginate(**arguments, PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()
    assert len(rest[member]) == count - 3, (operation, rest)
every = lam.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
found = [(f["FunctionName"], f["Version"]) for p in every for f in p["Functions"]]
assert len(found) == len(set(found)) == N + N, found

for page in lam.get_paginator("list_capacity_providers").paginate():
    assert page["CapacityProviders"] == []
assert list(lam.get_paginator("list_durable_executions_by_function").paginate(FunctionName="f0"))[0]["DurableExecutions"] == []
print("all checks passed")
