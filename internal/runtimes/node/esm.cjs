// Where packages are found that a function did not bring: those of layers and the
// AWS SDK, which AWS's Node.js finds through NODE_PATH for ES modules too.
'use strict';

const fs = require('fs');
const path = require('path');

const runtimeDir = process.env.LAMBDA_RUNTIME_DIR || __dirname;

// sdkDir is Hearth's copy of the AWS SDK: mounted into the runtime's directory, or,
// in an environment without a root of its own, where Hearth keeps it.
exports.sdkDir = () => {
  const mounted = path.join(runtimeDir, 'node_modules');
  return runtimeDir === '/var/runtime' ? mounted : path.resolve(runtimeDir, '../../../sdk/nodejs/node_modules');
};

// relocate turns the standard places in NODE_PATH into the real ones, in an
// environment without a root of its own.
exports.relocate = () => {
  if (runtimeDir === '/var/runtime' || !process.env.NODE_PATH) return;
  const places = {
    '/var/task': process.env.LAMBDA_TASK_ROOT,
    '/var/runtime': runtimeDir,
    '/var/runtime/node_modules': exports.sdkDir(),
  };
  process.env.NODE_PATH = process.env.NODE_PATH.split(':').map((p) => places[p] ?? p).join(':');
  require('module').Module._initPaths();
};

// fallbackDirs are the directories of NODE_PATH that ES modules do not find by
// themselves. /var/node_modules is the SDK, above every function's directory.
function fallbackDirs() {
  return (process.env.NODE_PATH ?? '').split(':').filter((dir) => dir.endsWith('/node_modules') &&
    !(dir === '/var/runtime/node_modules' && fs.existsSync('/var/node_modules')) &&
    fs.existsSync(dir) && fs.readdirSync(dir).length > 0);
}

// asyncHook is the source of a resolve hook for Node.js versions whose hooks run in
// a thread of their own.
const asyncHook = (bases) => `
export async function resolve(specifier, context, next) {
  try { return await next(specifier, context); } catch (err) {
    if (err.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw err;
    for (const parentURL of ${JSON.stringify(bases)}) {
      try { return await next(specifier, { ...context, parentURL }); } catch {}
    }
    throw err;
  }
}`;

function syncHook(bases) {
  return {
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (err) {
        if (err.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw err;
        for (const parentURL of bases) {
          try {
            return next(specifier, { ...context, parentURL });
          } catch { /* the next directory may have it */ }
        }
        throw err;
      }
    },
  };
}

// usePackages lets ES modules find the packages of NODE_PATH. It costs nothing when
// there are none beyond what they find anyway.
exports.usePackages = async () => {
  const { pathToFileURL } = require('url');
  // A parent inside the directory above node_modules makes Node.js look there.
  const bases = fallbackDirs().map((dir) => pathToFileURL(path.join(path.dirname(dir), 'parent.mjs')).href);
  if (bases.length === 0) return;
  const module = require('module');
  if (module.registerHooks) {
    module.registerHooks(syncHook(bases));
  } else if (module.register) {
    module.register('data:text/javascript,' + encodeURIComponent(asyncHook(bases)));
  }
};
