// The private channel to Hearth, read from descriptor 3 and written to descriptor 4:
// frames of a 4-byte length, a byte of type and a body. All calls but one block, on purpose: a runtime that waits for
// its next event is as good as frozen, and plain system calls are the fastest way to
// wake one up. Only writeLater, for streams, leaves the function running while the
// caller is slow; until it has called back nothing else may be sent. Hearth's package
// runtimeapi describes the frames.
'use strict';

const fs = require('fs');
const { readSync, writeSync, writev } = fs; // functions may patch fs later

const EVENTS = 3;
const ANSWERS = 4;
const SMALL = 64 * 1024; // what a frame may measure to go through the standing buffers
const HEAD = 5;
const CONTENT_TYPE_MAX = 1024;

const inbox = Buffer.allocUnsafeSlow(SMALL);
const outbox = Buffer.allocUnsafeSlow(SMALL);
const NEXT = Buffer.from([0, 0, 0, 1, 0x4e]);

// retry calls a system call again while a descriptor that someone made
// non-blocking has no room or no bytes.
function retry(call, fd, buffer, offset, length) {
  for (;;) {
    try {
      return call(fd, buffer, offset, length);
    } catch (err) {
      if (err.code !== 'EAGAIN') throw err;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function writeAll(fd, buffer, length) {
  for (let done = 0; done < length;) done += retry(writeSync, fd, buffer, done, length - done);
}

// read fills buffer[have..want] and returns how many bytes it then holds. Hearth
// ends the stream when it wants no more of this process.
function read(buffer, have, want) {
  while (have < want) {
    const n = retry(readSync, EVENTS, buffer, have, buffer.length - have);
    if (n === 0) process.exit(0);
    have += n;
  }
  return have;
}

// receive waits for the next event: its metadata's fields and its JSON text. Hearth
// sends one frame at a time, so nothing lies behind it.
exports.receive = function receive() {
  let frame = inbox;
  const have = read(frame, 0, HEAD + 4);
  const size = 4 + frame.readUInt32BE(0);
  if (size > SMALL) {
    frame = Buffer.allocUnsafeSlow(size);
    inbox.copy(frame, 0, 0, have);
  }
  read(frame, have, size);
  const body = HEAD + 4 + frame.readUInt32BE(HEAD);
  return { fields: frame.utf8Slice(HEAD + 4, body).split('\n'), text: frame.utf8Slice(body, size) };
};

// waiting says that this process was started ahead and has no function yet.
exports.waiting = () => writeAll(ANSWERS, Buffer.from([0, 0, 0, 1, 0x57]), 5);

// assignment waits for the environment variables, as NAME=value.
exports.assignment = function assignment() {
  const head = Buffer.allocUnsafe(HEAD);
  exact(head);
  const body = Buffer.allocUnsafe(head.readUInt32BE(0) - 1);
  exact(body);
  return body.utf8Slice().split('\0');
};

// exact fills a buffer and takes nothing of what follows.
function exact(buffer) {
  for (let have = 0; have < buffer.length;) {
    const n = retry(readSync, EVENTS, buffer, have, buffer.length - have);
    if (n === 0) process.exit(0);
    have += n;
  }
}

// send writes a frame of head and payload (a string or a Buffer) in one system
// call, with "next" behind it when asked to.
function send(kind, head, payload, next) {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const size = HEAD + head.length + length;
  const total = size + (next ? NEXT.length : 0);
  const frame = total <= SMALL ? outbox : Buffer.allocUnsafeSlow(total);
  frame.writeUInt32BE(size - 4, 0);
  frame[4] = kind;
  frame.latin1Write(head, HEAD);
  const at = HEAD + head.length;
  if (typeof payload === 'string') frame.utf8Write(payload, at);
  else payload.copy(frame, at);
  if (next) NEXT.copy(frame, size);
  writeAll(ANSWERS, frame, total);
}

// typeHead is an error type behind its length, in a byte each.
function typeHead(type) {
  const text = String(type).replace(/[^\x20-\x7e]/g, '?').slice(0, 255);
  return String.fromCharCode(text.length) + text;
}

// framed is the head of a frame whose body begins with text and goes on for more
// bytes.
function framed(kind, text, more) {
  const frame = Buffer.allocUnsafe(HEAD + text.length);
  frame.writeUInt32BE(1 + text.length + more, 0);
  frame[4] = kind;
  frame.latin1Write(text, HEAD);
  return frame;
}

exports.begin = (id, contentType) => framed(0x42, id + String(contentType).slice(0, CONTENT_TYPE_MAX), 0);

// chunk is a frame of the bytes of several buffers, as a list of buffers.
exports.chunk = (id, chunks) => [
  framed(0x43, id, chunks.reduce((sum, chunk) => sum + chunk.length, 0)), ...chunks,
];

exports.writeNow = (buffer) => writeAll(ANSWERS, buffer, buffer.length);

// writeLater writes buffers on another thread and calls back when that is done.
exports.writeLater = function writeLater(buffers, callback) {
  writev(ANSWERS, buffers, null, (err, written) => {
    if (err && err.code !== 'EAGAIN') {
      callback(err);
      return;
    }
    const rest = after(buffers, written ?? 0);
    if (rest.length === 0) callback();
    else if (err) setTimeout(writeLater, 1, rest, callback); // someone made the descriptor non-blocking
    else writeLater(rest, callback);
  });
};

// after is what is left of buffers when their first bytes are written.
function after(buffers, written) {
  let i = 0;
  while (i < buffers.length && written >= buffers[i].length) written -= buffers[i++].length;
  return i < buffers.length ? [buffers[i].subarray(written), ...buffers.slice(i + 1)] : [];
}

exports.done = (id, next) => send(0x44, id, '', next);
exports.doneFailed = (id, type, payload, next) => send(0x44, id + typeHead(type), payload, next);
exports.next = () => writeAll(ANSWERS, NEXT, NEXT.length);
exports.respond = (id, payload, next) => send(0x52, id, payload, next);
exports.fail = (id, type, payload, next) => send(0x45, id + typeHead(type), payload, next);
exports.failInit = (type, payload) => send(0x46, typeHead(type), payload, false);

// log writes to standard output before anything that is sent after it.
exports.log = (text) => {
  const bytes = Buffer.from(text);
  writeAll(1, bytes, bytes.length);
};
