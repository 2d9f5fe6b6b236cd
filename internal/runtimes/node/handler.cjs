// Finding and loading the function's handler, by the rules of AWS's runtime client
// of each Node.js version.
'use strict';

const fs = require('fs');
const path = require('path');
const errors = require('./errors.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

// From Node.js 24 on handlers are promises only.
exports.promisesOnly = parseInt(process.versions.node, 10) >= 24;

// parse takes "dir/file.a.b" apart into directory, module and export path.
function parse(name) {
  if (name.includes('..')) {
    throw new errors.MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (!match) throw new errors.MalformedHandlerName('Bad handler');
  return { dir: name.slice(0, name.indexOf(base)), module: match[1], property: match[2] };
}

// isModuleDir reports whether the nearest package.json says "type": "module".
function isModuleDir(dir) {
  if (dir.endsWith('/node_modules')) return false;
  const file = path.join(dir, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
    } catch (err) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, err);
      return false;
    }
  }
  return dir === '/' ? false : isModuleDir(path.dirname(dir));
}

async function importFile(file) {
  await require('./esm.cjs').usePackages();
  return import(require('url').pathToFileURL(file).href);
}

async function requireFile(file) {
  try {
    return require(file);
  } catch (err) {
    if (err.code === 'ERR_REQUIRE_ASYNC_MODULE') return importFile(file);
    throw err;
  }
}

// loadModule loads the first file that exists: the name as it is, .js, .mjs, .cjs;
// then whatever Node.js itself resolves from the task root.
async function loadModule(root, { dir, module }) {
  const file = path.resolve(root, dir, module);
  const js = fs.existsSync(file + '.js');
  if (fs.existsSync(file)) {
    const bare = await requireFile(file);
    if (bare) return bare;
  }
  const isModule = js && isModuleDir(path.dirname(file));
  if (js) {
    const loaded = await (isModule ? importFile : requireFile)(file + '.js');
    if (loaded) return loaded;
  }
  if (fs.existsSync(file + '.mjs')) return importFile(file + '.mjs');
  if (fs.existsSync(file + '.cjs')) return require(file + '.cjs');
  return require(require.resolve(module, { paths: [root, path.resolve(root, dir)] }));
}

// sdkHint is what Hearth adds to the error of a missing AWS SDK.
function sdkHint(message) {
  if (!/Cannot find (?:module|package) '@(?:aws-sdk|smithy)\//.test(message)) return '';
  if (fs.existsSync(path.join(require('./esm.cjs').sdkDir(), '@aws-sdk'))) {
    return '\nHearth\'s copy of the AWS SDK does not have this package: pack it with the function.';
  }
  return '\nThe AWS SDK is not installed for functions on this machine: run "hearth runtimes install nodejs-sdk", ' +
    'or pack it with the function.';
}

function loadError(err) {
  if (err instanceof SyntaxError) {
    const wrapped = new errors.UserCodeSyntaxError(err);
    if (exports.promisesOnly) wrapped.stack = err.stack;
    return wrapped;
  }
  const hint = sdkHint(String(err?.message));
  if (err?.code === 'MODULE_NOT_FOUND') {
    return new errors.ImportModuleError(String(err) + hint);
  }
  if (hint) err.message += hint;
  return err;
}

function find(object, property) {
  return property.split('.').reduce((nested, key) => nested && nested[key], object);
}

// load returns the handler that name stands for.
exports.load = async function load(root, name) {
  const parsed = parse(name);
  let loaded;
  try {
    loaded = await loadModule(root, parsed);
  } catch (err) {
    throw loadError(err);
  }
  const handler = find(loaded, parsed.property) ||
    (exports.promisesOnly && find(loaded?.default, parsed.property));
  if (!handler) throw new errors.HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${name} is not a function`);
  if (exports.promisesOnly && handler.length >= 3 && !handler[STREAMING]) {
    throw new errors.CallbackHandlerDeprecated(
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need ' +
      'to modify this function to use a supported handler signature to use Node.js 24 or later. For more information ' +
      'see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.');
  }
  return handler;
};

// isStreaming reports whether the handler streams its response.
exports.isStreaming = (handler) => {
  const mark = handler[STREAMING];
  if (mark === undefined || mark === null || mark === false) return false;
  if (mark === 'response') return true;
  throw new errors.MalformedStreamingHandler('Only response streaming is supported.');
};

// defineGlobals gives functions the global object awslambda.
exports.defineGlobals = () => {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    get HttpResponseStream() { return require('./stream.cjs').HttpResponseStream; },
  };
};

exports.highWaterMark = (handler) => {
  const mark = parseInt(handler[HIGH_WATER_MARK], 10);
  return Number.isNaN(mark) ? undefined : mark;
};
