// Response streams of handlers that awslambda.streamifyResponse made. What a handler
// writes is collected and sent as one response.
'use strict';

const { Writable } = require('stream');
const errors = require('./errors.cjs');

exports.ResponseStream = class ResponseStream extends Writable {
  constructor(highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this.chunks = [];
    this.started = false;
  }

  setContentType() {
    if (this.started) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
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

  _write(chunk, _encoding, callback) {
    this.chunks.push(chunk);
    callback();
  }

  body() { return Buffer.concat(this.chunks); }
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

// run calls a streaming handler and resolves to the bytes that it wrote.
exports.run = async (handler, event, context, highWaterMark) => {
  const stream = new exports.ResponseStream(highWaterMark);
  const finished = new Promise((resolve, reject) => {
    stream.on('finish', resolve);
    stream.on('error', reject);
  });
  finished.catch(() => {}); // reported below, when the handler is done
  const result = handler(event, stream, context);
  if (typeof result?.then !== 'function') throw 'Streaming does not support non-async handlers.';
  if (await result !== undefined) console.warn('Streaming handlers ignore return values.');
  await finished;
  return stream.body();
};
