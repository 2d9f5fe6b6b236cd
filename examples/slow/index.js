const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

exports.handler = async (event, context) => {
  await sleep(event.sleep_ms ?? 200);
  return { slept_ms: event.sleep_ms ?? 200, environment: context.logStreamName };
};
