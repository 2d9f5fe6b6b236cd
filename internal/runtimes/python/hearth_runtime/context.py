"""The context object that a handler gets, with AWS's names."""

import os
import sys
import time

from . import document


class CognitoIdentity:
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, fields):
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")

    def __repr__(self):
        return show(self, self.__slots__)


class Client:
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    def __init__(self, fields):
        for name in self.__slots__:
            setattr(self, name, fields.get(name))

    def __repr__(self):
        return show(self, self.__slots__)


class ClientContext:
    __slots__ = ("custom", "env", "client")

    def __init__(self, fields):
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = Client(fields["client"]) if fields.get("client") else None

    def __repr__(self):
        return show(self, self.__slots__)


def show(value, names):
    """Print an object as AWS's client does."""
    return "%s([%s])" % (type(value).__name__, ",".join("%s=%s" % (n, getattr(value, n)) for n in names))


class LambdaContext:
    """One invocation's context."""

    def __init__(self, request_id, deadline, arn, client, identity, tenant):
        self.aws_request_id = request_id
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = arn
        self.tenant_id = tenant
        self.client_context = client
        self.identity = identity
        self._epoch_deadline_time_in_ms = deadline

    def get_remaining_time_in_millis(self):
        return max(int(self._epoch_deadline_time_in_ms - time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return show(self, ("aws_request_id", "log_group_name", "log_stream_name", "function_name",
                           "memory_limit_in_mb", "function_version", "invoked_function_arn",
                           "client_context", "identity", "tenant_id"))


def make(request_id, deadline, arn, client, identity, tenant):
    """Return the context of an invocation."""
    from . import Fault

    try:
        client = ClientContext(document.loads(client)) if client else None
        identity = CognitoIdentity(document.loads(identity) if identity else {})
    except Exception as e:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse lambda context: %s" % e) from None
    return LambdaContext(request_id, deadline, arn, client, identity, tenant)
