"""How errors look, to the caller and in the function's log. Loaded when there is one:
printing a trace takes modules that a function without errors never needs."""

import os
import sys
import time
import traceback

from . import channel, document, flush

NO_BREAK_SPACE = "\u00a0"  # AWS's log viewer would drop plain ones in front of a line


def describe(exc_info):
    """Return message, type and trace of an exception, without the runtime's frames."""
    kind, value, tb = exc_info
    frames = traceback.extract_tb(tb)
    here = os.path.dirname(os.path.abspath(__file__))
    first = next((i for i, f in enumerate(frames)
                  if not f.filename.startswith(here) and not f.filename.startswith("<frozen importlib")), None)
    shown = frames[first:] if first is not None else []
    return str(value), kind.__name__, traceback.format_list(shown)


def payload(request_id, message, error_type, trace):
    """Return the error as AWS's client reports it."""
    return {
        "errorMessage": message or "",
        "errorType": error_type or "",
        "requestId": request_id,
        "stackTrace": trace or [],
    }


def fail(request_id, message, error_type, trace):
    """Log an invocation's error and post it."""
    error = payload(request_id, message, error_type, trace)
    log(error)
    channel.fail(request_id, error_type, encode(error))


def fail_init(message, error_type, trace):
    """Log why the function cannot be initialised, post it, and end the process."""
    error = payload("", message, error_type, trace)
    log(error)
    channel.fail_init(error_type, encode(error))
    os._exit(1)


def encode(error):
    # A message may hold half a surrogate pair, which UTF-8 cannot.
    return document.dumps(error).encode("utf-8", "backslashreplace")


def log(error):
    """Print an error as AWS's client does: one event of many lines, or a JSON line."""
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = document.dumps({"timestamp": stamp, "log_level": "ERROR", **error})
    else:
        text = "\r".join(lines(error))
    sys.stdout.write(text + "\n")
    flush()


def lines(error):
    title = "[ERROR] " + error["errorType"]
    if error["errorMessage"]:
        title += ": " + error["errorMessage"]
    yield title
    yield "Traceback (most recent call last):"
    for frame in error["stackTrace"]:
        for line in frame.splitlines():
            text = line.lstrip(" ")
            yield NO_BREAK_SPACE * (len(line) - len(text)) + text
