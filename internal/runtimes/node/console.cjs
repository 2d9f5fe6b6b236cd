// The console of a function: every line carries the time, the request id and the
// level, as text or as JSON, and is written before the call returns.
'use strict';

const { format } = require('util');
const { log } = require('./channel.cjs');
const errors = require('./errors.cjs');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const requestId = Symbol.for('aws.lambda.runtime.requestId');

function text(level, message, params) {
  return `${new Date().toISOString()}\t${globalThis[requestId]}\t${level}\t${format(message, ...params)}`;
}

function typeName(error) {
  return error.constructor?.name ?? 'UnknownError';
}

function errorMembers(_key, value) {
  if (!(value instanceof Error)) return value;
  return Object.assign({
    errorType: typeName(value),
    errorMessage: value.message,
    stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
  }, value);
}

function json(level, message, params) {
  const record = { timestamp: new Date().toISOString(), level, requestId: globalThis[requestId] };
  if (params.length === 0) {
    record.message = message;
    try {
      return JSON.stringify(record, errorMembers);
    } catch {
      record.message = format(message);
      return JSON.stringify(record);
    }
  }
  record.message = format(message, ...params);
  const error = [message, ...params].find((p) => p instanceof Error);
  if (error) {
    record.errorType = typeName(error);
    record.errorMessage = error.message;
    record.stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  }
  return JSON.stringify(record);
}

// patch replaces the console's methods.
exports.patch = function patch() {
  const isJson = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  const line = isJson ? json : text;
  const least = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  const method = (level) => (LEVELS.indexOf(level) < least
    ? () => {}
    : (message, ...params) => log(line(level, message, params).replace(/\n/g, '\r') + '\n'));
  for (const level of LEVELS) console[level.toLowerCase()] = method(level);
  console.log = console.info;
  exports.logError = isJson
    ? (_title, error) => console.error(errors.intoError(error))
    : (title, error) => console.error(title, errors.formatted(errors.intoError(error)));
};

// setRequestId says which invocation the lines that follow belong to.
exports.setRequestId = (id) => { globalThis[requestId] = id; };
