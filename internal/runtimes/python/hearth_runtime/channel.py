"""The private channel to Hearth, read from descriptor 3 and written to descriptor 4:
frames of a 4-byte length, a byte of type and a body, in plain blocking system calls.
Hearth's package runtimeapi describes the frames."""

import os

EVENTS = 3
ANSWERS = 4
NEXT = b"\x00\x00\x00\x01N"
CHUNK = 65536

for fd in (EVENTS, ANSWERS):
    os.set_inheritable(fd, False)  # the function's child processes have no use for it


def read(have, want):
    """Return at least want bytes, of which have are there already."""
    if len(have) >= want:
        return have
    parts, size = [have], len(have)
    while size < want:
        part = os.read(EVENTS, max(CHUNK, want - size))
        if not part:
            raise SystemExit(0)  # Hearth wants no more of this process
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def receive():
    """Wait for the next event: its metadata and its JSON text. Hearth sends one frame
    at a time, so nothing lies behind it."""
    frame = read(b"", 9)
    frame = read(frame, 4 + int.from_bytes(frame[0:4], "big"))
    body = 9 + int.from_bytes(frame[5:9], "big")
    return frame[9:body].decode("utf-8"), frame[body:]


def waiting():
    """Say that this process was started ahead and has no function yet."""
    write(b"\x00\x00\x00\x01W")


def assignment():
    """Wait for the environment variables, as NAME=value."""
    size = int.from_bytes(exact(5)[:4], "big") - 1
    return exact(size).decode("utf-8").split("\0")


def exact(size):
    """Read so many bytes and nothing of what follows."""
    data = b""
    while len(data) < size:
        part = os.read(EVENTS, size - len(data))
        if not part:
            raise SystemExit(0)  # Hearth wants no more of this process
        data += part
    return data


def write(data):
    """Write everything."""
    view = memoryview(data)
    while view:
        view = view[os.write(ANSWERS, view):]


def frame(kind, head, payload):
    """Return one frame."""
    return b"".join(((1 + len(head) + len(payload)).to_bytes(4, "big"), kind, head, payload))


def typed(error_type):
    """Return an error type behind its length, in a byte each."""
    text = error_type.encode("ascii", "replace")[:255]
    return bytes((len(text),)) + text


def next():
    """Ask for the first event."""
    write(NEXT)


def respond(request_id, payload):
    """Post a result and ask for the next event, in one write."""
    write(frame(b"R", request_id.encode("ascii"), payload) + NEXT)


def fail(request_id, error_type, payload):
    """Post an error and ask for the next event, in one write."""
    write(frame(b"E", request_id.encode("ascii") + typed(error_type), payload) + NEXT)


def fail_init(error_type, payload):
    """Post why the function cannot be initialised."""
    write(frame(b"F", typed(error_type), payload))
