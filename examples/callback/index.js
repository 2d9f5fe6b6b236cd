// The older style: the result is what the callback is given, and Lambda waits for it.
exports.handler = (event, context, callback) => {
  setTimeout(() => {
    if (event.fail) {
      callback(new Error("asked to fail"));
      return;
    }
    callback(null, { answered: "by callback", after_ms: 50 });
  }, 50);
};
