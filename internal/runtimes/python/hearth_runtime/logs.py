"""The root logger's handler, in AWS's text and JSON formats."""

import os
import sys
import time

import hearth_runtime

from . import document

# The attributes of every log record; what else a record has was given as extra.
STANDARD = frozenset((
    "args", "aws_request_id", "asctime", "created", "exc_info", "exc_text", "filename", "funcName", "levelname",
    "levelno", "lineno", "message", "module", "msecs", "msg", "name", "pathname", "process", "processName",
    "relativeCreated", "stack_info", "taskName", "tenant_id", "thread", "threadName"))


def configure(logging):
    """Give the root logger the handler that Lambda functions find there."""
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            record.aws_request_id = hearth_runtime.request_id
            sys.stdout.write(self.format(record))

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            return as_json(self, record)

    handler = LambdaLoggerHandler()
    if is_json:
        handler.setFormatter(JsonFormatter(datefmt="%Y-%m-%dT%H:%M:%SZ"))
    else:
        handler.setFormatter(logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    logging.Formatter.converter = time.gmtime
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if is_json and level:
        root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))


def as_json(formatter, record):
    """Return a record as one JSON line."""
    result = {
        "timestamp": formatter.formatTime(record, formatter.datefmt),
        "level": record.levelname,
        "message": record.getMessage(),
        "logger": record.name,
        **exception(record),
        "requestId": record.aws_request_id or None,
    }
    for key, value in record.__dict__.items():
        if key not in STANDARD and key not in result:
            result[key] = value
    result = {k: v for k, v in result.items() if v is not None}
    try:
        return document.dumps(result) + "\n"
    except (TypeError, ValueError):
        return document.dumps({k: v if type(v) in (str, int, float, bool, list) else str(v)
                               for k, v in result.items()}) + "\n"


def exception(record):
    """Return the members that describe a record's exception."""
    if not record.exc_info or not record.exc_info[0]:
        return {}
    import traceback

    kind, value, tb = record.exc_info
    return {
        "stackTrace": traceback.format_tb(tb),
        "errorType": kind.__name__,
        "errorMessage": str(value),
        "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno),
    }
