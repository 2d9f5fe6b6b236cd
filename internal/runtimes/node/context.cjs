// The context object that a handler gets.
'use strict';

function parseJson(text, name) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (err) {
    throw new Error(`Cannot parse ${name} as json: ${err.toString()}`);
  }
}

// fill adds to context what the environment and the event's metadata say.
exports.fill = (context, [id, deadline, arn, trace, clientContext, identity, tenant]) => {
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  if (tenant) context.tenantId = tenant;
  return Object.assign(context, {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseJson(clientContext, 'ClientContext'),
    identity: parseJson(identity, 'CognitoIdentity'),
    invokedFunctionArn: arn,
    awsRequestId: id,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
};

// callbacks are the older ways to answer: the callback argument and the context's
// done, succeed and fail. Whichever is called first counts. answer is told the
// error, the result, and whether the answer is to wait for an empty event loop.
exports.callbacks = (answer) => {
  let waits = true;
  let called = false;
  const first = (err, result, wait) => {
    if (called) return;
    called = true;
    answer(err, result, wait);
  };
  const isNothing = (value) => value === undefined || value === null;
  const context = {
    get callbackWaitsForEmptyEventLoop() { return waits; },
    set callbackWaitsForEmptyEventLoop(value) { waits = value; },
    succeed: (result) => first(null, result, false),
    fail: (err) => first(isNothing(err) ? 'handled' : err, null, false),
    done: (err, result) => first(err, result, false),
  };
  return { context, callback: (err, result) => first(err, result, waits) };
};
