"""JSON by the accelerated half of module json. The other half, which needs regular
expressions, takes longer to import than everything else here together; it is used
when something is wrong with a document, for its messages."""

import sys

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

# From Python 3.12 on AWS's runtime leaves characters as they are.
quote = encode_basestring if sys.version_info >= (3, 12) else encode_basestring_ascii
SPACE = " \t\n\r"


class Rules:
    """How make_scanner reads."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    memo = {}

    @staticmethod
    def parse_constant(name):
        return float(name.replace("Infinity", "inf"))


scan = make_scanner(Rules)


def loads(text):
    """Return what a JSON text says; ValueError when it is none."""
    try:
        start = text.lstrip(SPACE)
        value, end = scan(start, 0)
        if not start[end:].strip(SPACE):
            return value
    except StopIteration:
        pass
    import json

    return json.loads(text)


class Verbatim(str):
    """Text that is JSON already."""


def quote_some(text):
    return str(text) if type(text) is Verbatim else quote(text)


def default(value):
    """Stand in for a value that JSON does not know. Decimals become numbers, with
    every digit."""
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else Verbatim(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def dumps(value):
    """Return the JSON text of value; TypeError or ValueError when it has none."""
    # Python's encoder is asked to quote by a function of ours only where a Decimal
    # can occur: the plain function is much faster.
    quoting = quote_some if "decimal" in sys.modules else quote
    return "".join(make_encoder({}, default, quoting, None, ": ", ", ", False, False, True)(value, 0))
