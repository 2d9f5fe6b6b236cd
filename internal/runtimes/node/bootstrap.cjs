// Hearth's Node.js runtime: loads the function's handler and calls it for one event
// after the other. It behaves as AWS's runtime clients do, version 3 up to
// Node.js 22 and version 4 from Node.js 24 on.
'use strict';

const channel = require('./channel.cjs');
const errors = require('./errors.cjs');
const logging = require('./console.cjs');
const handlers = require('./handler.cjs');
const contexts = require('./context.cjs');

// An idle time after which the event loop gets a turn before the handler runs, so
// that connections which the other side closed meanwhile are seen as closed.
const LONG_IDLE_MS = 50;

let handler;
let streaming = false;
let ready = false; // false during initialisation
let id; // of the invocation under way
let answer; // posts the answer; set when there is one that is not yet sent
let outgoing; // the response stream of the invocation under way
let onIdle = () => {}; // what an empty event loop means just now

function stringify(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    throw new errors.JSONStringifyError('Unable to stringify response body');
  }
}

// settle makes the answer final. It leaves at the end of this turn of the event
// loop, in one write with the request for the next event.
function settle(post) {
  onIdle = () => {};
  answer = post;
  setImmediate(() => {
    flush(true);
    take();
  });
}

// flush sends the answer if there is one.
function flush(next) {
  if (!answer) return false;
  const post = answer;
  answer = undefined;
  post(next);
  return true;
}

function succeed(invocation, payload) {
  settle((next) => channel.respond(invocation, payload, next));
}

function fail(invocation, error) {
  logging.logError('Invoke Error', error);
  settle((next) => postError(invocation, error, next));
}

// postError sends an error in place of the response, or as the end of a stream that
// has begun.
function postError(invocation, error, next) {
  const report = errors.report(error);
  const post = outgoing?.sent ? channel.doneFailed : channel.fail;
  post(invocation, report.errorType, JSON.stringify(report), next);
}

// complete turns a result into the answer; a result that is no JSON is an error.
function complete(invocation, result) {
  let payload;
  try {
    payload = stringify(result);
  } catch (err) {
    fail(invocation, err);
    return;
  }
  succeed(invocation, payload);
}

// take waits for the next event and starts on it.
function take() {
  const since = Date.now();
  const received = channel.receive();
  if (Date.now() - since > LONG_IDLE_MS) setImmediate(start, received);
  else start(received);
}

function start({ fields, text }) {
  id = fields[0];
  logging.setRequestId(id);
  if (streaming) stream(id, fields, text);
  else if (handlers.promisesOnly) promise(id, fields, text);
  else classic(id, fields, text);
}

const parseEvent = (text) => (text === '' ? {} : JSON.parse(text));

// stream runs a streaming handler. Its answer is over when its stream is, not when
// the handler returns; an error ends the stream behind what was written before.
async function stream(invocation, fields, text) {
  const { ResponseStream, run } = require('./stream.cjs');
  const response = outgoing = new ResponseStream(invocation, handlers.highWaterMark(handler));
  onIdle = () => failStream(invocation, response, 'Response stream is not finished.');
  try {
    const context = contexts.fill({ callbackWaitsForEmptyEventLoop: true }, fields);
    await run(handler, parseEvent(text), response, context);
    if (!response.failed) settle((next) => response.finish(next));
  } catch (err) {
    failStream(invocation, response, err);
  }
}

function failStream(invocation, response, error) {
  if (response.failed) return;
  response.failed = true;
  onIdle = () => {};
  response.flush(() => fail(invocation, error));
}

// promise runs a handler of Node.js 24 and later.
async function promise(invocation, fields, text) {
  try {
    complete(invocation, await handler(parseEvent(text), contexts.fill({}, fields)));
  } catch (err) {
    fail(invocation, err);
  }
}

// classic runs a handler that may return a promise or call back.
function classic(invocation, fields, text) {
  const { context, callback } = contexts.callbacks((err, result, wait) => {
    if (err !== undefined && err !== null) fail(invocation, err);
    else if (wait) onIdle = () => complete(invocation, result);
    else complete(invocation, result);
  });
  onIdle = () => {
    if (handler.constructor?.name === 'AsyncFunction') context.fail(new errors.NodeJsExit());
    else context.succeed(null);
  };
  try {
    const result = handler(parseEvent(text), contexts.fill(context, fields), callback);
    if (typeof result?.then === 'function') result.then(context.succeed, context.fail);
  } catch (err) {
    callback(err);
  }
}

// die reports an error that nobody caught and ends the process. An answer that was
// given before stands.
function die(title, error, code) {
  logging.logError(title, error);
  if (!ready) {
    const report = errors.report(error);
    channel.failInit(report.errorType, JSON.stringify(report));
    process.exit(code);
  }
  const leave = () => {
    if (!flush(false)) postError(id, error, false);
    process.exit(code);
  };
  if (outgoing) outgoing.quiet(leave); // half a frame may be out
  else leave();
}

function watch() {
  process.on('exit', () => flush(false));
  if (handlers.promisesOnly) return; // there Node.js's own end is the runtime's
  process.on('beforeExit', () => onIdle());
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason) => {
    const error = new errors.UnhandledPromiseRejection(reason);
    error.reason = reason;
    die('Unhandled Promise Rejection', error, 128);
  });
}

// warnOfCallbacks says what AWS's runtime client says of handlers with a callback.
function warnOfCallbacks() {
  if (streaming || handlers.promisesOnly || handler.length < 3 ||
    process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING !== undefined) return;
  console.warn('AWS Lambda plans to remove support for callback-based function handlers starting with Node.js 24. ' +
    'You will need to update this function to use an async handler to use Node.js 24 or later. For more information ' +
    'and to provide feedback on this change, see ' +
    'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. To disable this warning, set the ' +
    'AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.');
}

// awaitAssignment makes a process that was started ahead one function's own. Until
// then nothing in it depends on a function.
function awaitAssignment() {
  delete process.env.HEARTH_ASSIGNMENT;
  channel.waiting();
  for (const variable of channel.assignment()) {
    const at = variable.indexOf('=');
    process.env[variable.slice(0, at)] = variable.slice(at + 1);
  }
  process.chdir(process.env.LAMBDA_TASK_ROOT); // what was there before lies under the code
}

async function main() {
  if (process.env.HEARTH_ASSIGNMENT) awaitAssignment();
  logging.patch();
  watch();
  if (process.env.LAMBDA_RUNTIME_DIR !== '/var/runtime') require('./esm.cjs').relocate();
  handlers.defineGlobals();
  try {
    handler = await handlers.load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
    streaming = handlers.isStreaming(handler);
  } catch (err) {
    if (handlers.promisesOnly) die('Init Error', err, 1);
    else die('Uncaught Exception', err, 129);
  }
  warnOfCallbacks();
  setImmediate(() => {
    ready = true;
    channel.next();
    take();
  });
}

main();
