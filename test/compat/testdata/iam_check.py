"""Manages users, groups, roles and policies through boto3, and checks what they may do."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

package, runtime = open(sys.argv[1], "rb").read(), sys.argv[2]
once = Config(retries={"max_attempts": 0})
iam, lam = boto3.client("iam", config=once), boto3.client("lambda", config=once)
account = "000000000000"


def document(effect, action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


def trust(**principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


def refused(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, (code, e.response)
        return e.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused with {code}")


def client(service, key):
    return boto3.client(
        service,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=once,
    )


# What is to be called.
role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=trust(Service="lambda.amazonaws.com"))["Role"]
lam.create_function(FunctionName="f", Runtime=runtime, Handler="index.handler", Role=role["Arn"], Code={"ZipFile": package})
lam.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})

# A user in a group with a managed policy.
user = iam.create_user(UserName="ann", Path="/people/", Tags=[{"Key": "team", "Value": "a"}])["User"]
assert user["Arn"] == f"arn:aws:iam::{account}:user/people/ann" and user["UserId"].startswith("AIDA"), user
assert iam.get_user(UserName="ann")["User"]["Tags"] == [{"Key": "team", "Value": "a"}]
group = iam.create_group(GroupName="callers")["Group"]
assert group["Arn"] == f"arn:aws:iam::{account}:group/callers", group
iam.add_user_to_group(GroupName="callers", UserName="ann")
assert [u["UserName"] for u in iam.get_group(GroupName="callers")["Users"]] == ["ann"]
assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="ann")["Groups"]] == ["callers"]
refused("EntityAlreadyExists", iam.create_user, UserName="ann")

key = iam.create_access_key(UserName="ann")["AccessKey"]
assert key["AccessKeyId"].startswith("AKIA") and key["Status"] == "Active", key
assert [k["AccessKeyId"] for k in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]] == [key["AccessKeyId"]]
ann = client("lambda", key)
assert client("sts", key).get_caller_identity()["Arn"] == user["Arn"]
message = refused("AccessDeniedException", ann.invoke, FunctionName="f")
assert f"User: {user['Arn']} is not authorized to perform: lambda:InvokeFunction" in message, message

policy = iam.create_policy(PolicyName="call", PolicyDocument=document("Allow", "lambda:InvokeFunction"), Description="calls")["Policy"]
assert policy["DefaultVersionId"] == "v1" and policy["AttachmentCount"] == 0, policy
arn = policy["Arn"]
iam.attach_group_policy(GroupName="callers", PolicyArn=arn)
assert iam.list_attached_group_policies(GroupName="callers")["AttachedPolicies"] == [{"PolicyName": "call", "PolicyArn": arn}]
assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
assert json.load(ann.invoke(FunctionName="f")["Payload"]) == "called"

# A version that denies, and back.
denying = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("Deny", "lambda:*"))["PolicyVersion"]
assert denying == denying | {"VersionId": "v2", "IsDefaultVersion": False}, denying
assert json.load(ann.invoke(FunctionName="f")["Payload"]) == "called"
iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
message = refused("AccessDeniedException", ann.invoke, FunctionName="f")
assert "with an explicit deny in an identity-based policy" in message, message
shown = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"]
assert shown["Statement"][0]["Effect"] == "Deny", shown
refused("DeleteConflict", iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
assert json.load(ann.invoke(FunctionName="f")["Payload"]) == "called"
iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1"]
for n in range(4):
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("Allow", "lambda:InvokeFunction", f"arn:aws:lambda:*:*:function:f{n}"))
refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=document("Allow", "lambda:*"))
for n in range(3, 7):
    iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{n}")

# The user's own inline policy wins by denying; a boundary bounds.
iam.put_user_policy(UserName="ann", PolicyName="not", PolicyDocument=document("Deny", "lambda:InvokeFunction"))
assert iam.list_user_policies(UserName="ann")["PolicyNames"] == ["not"]
refused("AccessDeniedException", ann.invoke, FunctionName="f")
iam.delete_user_policy(UserName="ann", PolicyName="not")
assert ann.invoke(FunctionName="f")["StatusCode"] == 200
bound = iam.create_policy(PolicyName="bound", PolicyDocument=document("Allow", "s3:*"))["Policy"]["Arn"]
iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound)
refused("AccessDeniedException", ann.invoke, FunctionName="f")
iam.delete_user_permissions_boundary(UserName="ann")
assert ann.invoke(FunctionName="f")["StatusCode"] == 200

# A role that the user assumes has the role's permissions alone.
helper = iam.create_role(RoleName="helper", AssumeRolePolicyDocument=trust(AWS=user["Arn"]), MaxSessionDuration=7200)["Role"]
iam.attach_role_policy(RoleName="helper", PolicyArn="arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
assert iam.list_attached_role_policies(RoleName="helper")["AttachedPolicies"][0]["PolicyName"] == "AWSLambda_ReadOnlyAccess"
session = client("sts", key).assume_role(RoleArn=helper["Arn"], RoleSessionName="session")["Credentials"]
helped = client("lambda", session)
assert helped.get_function(FunctionName="f")["Configuration"]["FunctionName"] == "f"
refused("AccessDeniedException", helped.invoke, FunctionName="f")
iam.put_role_policy(RoleName="helper", PolicyName="call", PolicyDocument=document("Allow", "lambda:InvokeFunction"))
assert helped.invoke(FunctionName="f")["StatusCode"] == 200

# Keys: a second one, the first out of use, none beyond two.
second = iam.create_access_key(UserName="ann")["AccessKey"]
refused("LimitExceeded", iam.create_access_key, UserName="ann")
iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
refused("UnrecognizedClientException", ann.invoke, FunctionName="f")
assert client("lambda", second).invoke(FunctionName="f")["StatusCode"] == 200
used = iam.get_access_key_last_used(AccessKeyId=second["AccessKeyId"])
assert used["UserName"] == "ann" and used["AccessKeyLastUsed"]["ServiceName"] == "lambda", used

# Out of the group, the permission is gone; what is in use is not deleted.
iam.remove_user_from_group(GroupName="callers", UserName="ann")
refused("AccessDeniedException", client("lambda", second).invoke, FunctionName="f")
refused("DeleteConflict", iam.delete_user, UserName="ann")
refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
refused("DeleteConflict", iam.delete_role, RoleName="helper")
refused("DeleteConflict", iam.delete_group, GroupName="callers")

lam.delete_function(FunctionName="f")
iam.detach_group_policy(GroupName="callers", PolicyArn=arn)
iam.detach_role_policy(RoleName="helper", PolicyArn="arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
iam.delete_role_policy(RoleName="helper", PolicyName="call")
for k in (key, second):
    iam.delete_access_key(UserName="ann", AccessKeyId=k["AccessKeyId"])
iam.delete_user(UserName="ann")
iam.delete_group(GroupName="callers")
for name in ("helper", "function"):
    iam.delete_role(RoleName=name)
for a in (arn, bound):
    iam.delete_policy(PolicyArn=a)
refused("NoSuchEntity", iam.get_user, UserName="ann")
for listed, names in (
    (iam.list_users, "Users"),
    (iam.list_groups, "Groups"),
    (iam.list_roles, "Roles"),
    (lambda: iam.list_policies(Scope="Local"), "Policies"),
):
    assert listed()[names] == [], names
print("all checks passed")
