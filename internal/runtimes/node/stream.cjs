// Response streams of handlers that awslambda.streamifyResponse made. What a handler
// writes goes out as it is written. A caller who reads slowly makes the stream fill
// up to its highWaterMark, as any Writable does; nothing else of the function waits.
'use strict';

const { Writable } = require('stream');
const channel = require('./channel.cjs');
const errors = require('./errors.cjs');

exports.ResponseStream = class ResponseStream extends Writable {
  constructor(invocation, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this.invocation = invocation;
    this.contentType = 'application/octet-stream';
    this.started = false; // the handler has written
    this.sent = false; // Hearth has been told
    this.sending = false;
    this.failed = false;
    this.onQuiet = undefined;
  }

  setContentType(contentType) {
    if (this.started) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
    this.contentType = contentType;
  }

  // begin writes what HttpResponseStream wants in front of the body.
  begin() {
    if (this.started) return;
    this.started = true;
    if (typeof this._onBeforeFirstWrite === 'function') {
      this._onBeforeFirstWrite((chunk) => super.write(chunk));
    }
  }

  write(chunk, encoding, callback) {
    if (typeof chunk !== 'string' && !Buffer.isBuffer(chunk) && !(chunk instanceof Uint8Array)) {
      chunk = JSON.stringify(chunk);
    }
    this.begin();
    return super.write(chunk, encoding, callback);
  }

  end(chunk, encoding, callback) {
    this.begin();
    return super.end(chunk, encoding, callback);
  }

  _write(chunk, _encoding, callback) { this.send([chunk], callback); }

  _writev(writes, callback) { this.send(writes.map(({ chunk }) => chunk), callback); }

  send(chunks, callback) {
    const frames = channel.chunk(this.invocation, chunks);
    if (!this.sent) frames.unshift(channel.begin(this.invocation, this.contentType));
    this.sent = this.sending = true;
    channel.writeLater(frames, (err) => {
      this.sending = false;
      callback(err);
      this.onQuiet?.();
    });
  }

  // finish sends the end of a stream that is done.
  finish(next) {
    if (!this.sent) channel.writeNow(channel.begin(this.invocation, this.contentType));
    channel.done(this.invocation, next);
  }

  // quiet calls back once nothing of the stream is on its way to Hearth.
  quiet(callback) {
    if (!this.sending) callback();
    else this.onQuiet = () => { if (!this.sending) callback(); };
  }

  // flush calls back once all that was written is on its way, or never will be.
  flush(callback) {
    if (this.sent && !this.destroyed && !this.writableFinished) {
      this.once('close', () => this.quiet(callback));
      super.end();
    } else {
      this.quiet(callback);
    }
  }
};

exports.HttpResponseStream = class HttpResponseStream {
  // from makes stream begin with status, headers and cookies: JSON and eight zeros.
  static from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    const metadata = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(metadata);
      write(new Uint8Array(8));
    };
    return stream;
  }
};

// run calls a streaming handler and waits until its stream has ended.
exports.run = async (handler, event, stream, context) => {
  const finished = new Promise((resolve, reject) => {
    stream.on('finish', resolve);
    stream.on('error', reject);
    stream.on('close', () => reject('Response stream is not finished.'));
  });
  finished.catch(() => {}); // reported below, when the handler is done
  const result = handler(event, stream, context);
  if (typeof result?.then !== 'function') throw 'Streaming does not support non-async handlers.';
  if (await result !== undefined) console.warn('Streaming handlers ignore return values.');
  await finished;
};
