"""Hearth's Python runtime: loads the function's handler and calls it for one event
after the other, as AWS's runtime interface client does. It imports next to nothing
itself, because every module that a function does not need delays its first event.
"""

import os
import sys

from . import channel, context, document

# Read by the log handlers; empty outside an invocation.
request_id = ""


class Fault(Exception):
    """What the runtime itself reports: an error type, a message and a trace."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace


def main():
    """Run until Hearth closes the channel."""
    prepare_streams()
    prepare_builtins()
    from . import lazylog

    if os.environ.get("HEARTH_ASSIGNMENT"):
        await_assignment()
    prepare_path()
    lazylog.install()
    handler = load()
    channel.next()
    while True:
        handle(handler, *channel.receive())


def await_assignment():
    """Make a process that was started ahead one function's own."""
    del os.environ["HEARTH_ASSIGNMENT"]
    channel.waiting()
    for variable in channel.assignment():
        name, _, value = variable.partition("=")
        os.environ[name] = value
    os.chdir(os.environ["LAMBDA_TASK_ROOT"])  # what was there before lies under the code


def prepare_streams():
    """Let every line of output leave at once."""
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)


def prepare_path():
    """Put the function first, then its layers, then the runtime and the SDK."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    runtime = os.environ.get("LAMBDA_RUNTIME_DIR") or sys.path[0]
    layers = os.environ.get("HEARTH_LAYERS_DIR", "/opt") + "/python"
    version = "%d.%d" % sys.version_info[:2]
    first = [task, layers + "/lib/python%s/site-packages" % version, layers]
    rest = [p for p in sys.path[1:] if p not in ("", runtime, "/var/runtime")]
    sys.path[:] = first + [runtime, sdk_dir(runtime)] + rest


def sdk_dir(runtime):
    """Return where the AWS SDK is: mounted into the runtime's directory, or, in an
    environment without a root of its own, where Hearth keeps it."""
    if runtime == "/var/runtime":
        return runtime + "/sdk"
    return os.path.normpath(runtime + "/../../../sdk/python")


def prepare_builtins():
    """Define what module site would have: functions do call exit()."""
    import builtins

    def leave(code=None):
        raise SystemExit(code)

    builtins.exit = builtins.quit = leave


def load():
    """Return the handler. A fault of the function's ends the process."""
    try:
        return find(os.environ.get("_HANDLER", ""))
    except Fault as e:
        report = (e.message, e.error_type, e.trace)
    except (Exception, SystemExit):
        from . import faults

        report = faults.describe(sys.exc_info())
    from . import faults

    faults.fail_init(*report)


def find(name):
    """Import the handler's module and return the function."""
    try:
        (module_name, function) = name.rsplit(".", 1)
    except ValueError as e:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, e)) from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict",
                    "Cannot use built-in module %s as a handler module" % module_name)
    try:
        dotted = module_name.replace("/", ".")
        __import__(dotted)
        module = sys.modules[dotted]
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError",
                    "Unable to import module '%s': %s%s" % (module_name, e, sdk_hint(e))) from None
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise Fault("Runtime.UserCodeSyntaxError",
                    "Syntax error in module '%s': %s" % (module_name, e), trace) from None
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound",
                    "Handler '%s' missing on module '%s'" % (function, module_name)) from None


def sdk_hint(error):
    """Say how to get the AWS SDK when that is what is missing."""
    if getattr(error, "name", None) not in ("boto3", "botocore"):
        return ""
    return ('. The AWS SDK is not installed for functions on this machine: run "hearth runtimes install '
            'python-sdk", or pack it with the function.')


def handle(handler, metadata, body):
    """Call the handler for one event and post what comes of it."""
    global request_id
    invocation, deadline, arn, trace, client, identity, tenant = metadata.split("\n")[:7]
    request_id = invocation
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        about = context.make(invocation, int(deadline), arn, client, identity, tenant or None)
        result = respond(handler(unmarshal(body), about))
    except Fault as e:
        report = (e.message, e.error_type, e.trace)
    except Exception:
        from . import faults

        report = faults.describe(sys.exc_info())
    else:
        flush()
        channel.respond(invocation, result)
        return
    from . import faults

    faults.fail(invocation, *report)


def unmarshal(body):
    """Return the event."""
    try:
        return document.loads(body.decode("utf-8")) if body else {}
    except Exception as e:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e) from None


def respond(response):
    """Return the bytes of a handler's result."""
    if isinstance(response, bytes):
        return response
    try:
        return document.dumps(response).encode("utf-8")
    except Exception as e:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e) from None


def flush():
    """Write out what was printed, so that it precedes the answer."""
    sys.stdout.flush()
    sys.stderr.flush()
