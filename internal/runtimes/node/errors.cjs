// How errors look: to the caller, as AWS's runtime client reports them, and in the
// function's log.
'use strict';

// runtimeError makes an error class whose name is AWS's error type.
function runtimeError(name) {
  const type = class extends Error {};
  type.prototype.name = `Runtime.${name}`;
  return type;
}

for (const name of ['ImportModuleError', 'HandlerNotFound', 'MalformedHandlerName', 'UserCodeSyntaxError',
  'MalformedStreamingHandler', 'InvalidStreamingOperation', 'UnhandledPromiseRejection', 'JSONStringifyError',
  'CallbackHandlerDeprecated']) {
  exports[name] = runtimeError(name);
}

exports.NodeJsExit = class NodeJsExit extends runtimeError('NodeJsExit') {
  constructor() {
    super('The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a ' +
      'Promise that was never settled. For more information, see ' +
      'https://nodejs.org/docs/latest/api/process.html#exit-codes');
  }
};

const isError = (e) => e instanceof Error || require('util').types.isNativeError(e) ||
  (e && typeof e.name === 'string' && typeof e.message === 'string' && typeof e.stack === 'string' &&
    e.name && e.message && e.stack);

const clean = (text) => text.replace(/\x7F/g, '%7F');

// report is what the caller gets: errorType, errorMessage, trace, in this order.
exports.report = (error) => {
  try {
    if (isError(error)) {
      return {
        errorType: clean(String(error.name)),
        errorMessage: clean(String(error.message)),
        trace: clean(String(error.stack)).split('\n'),
      };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of ' +
        'its message, name, and stack',
    };
  }
};

exports.intoError = (e) => (e instanceof Error ? e : new Error(e));

// formatted is the JSON behind "Invoke Error" in a text log.
exports.formatted = (error) => {
  try {
    return '\t' + JSON.stringify(error, (_key, value) => {
      if (!(value instanceof Error)) return value;
      const all = Object.assign(
        { errorType: value.name, errorMessage: value.message, code: value.code }, value);
      if (typeof value.stack === 'string') all.stack = value.stack.split('\n');
      return all;
    });
  } catch {
    return '\t' + JSON.stringify(exports.report(error));
  }
};
