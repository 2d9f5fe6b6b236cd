const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The event tells what the trigger knows; the context tells about the invocation,
// the function and the environment that it runs in.
export const handler = async (event, context) => {
  const before = context.getRemainingTimeInMillis();
  await sleep(20);
  const after = context.getRemainingTimeInMillis();
  return {
    request: {
      path: event.rawPath,
      query: event.queryStringParameters,
      header: event.headers?.["x-request-source"],
      body: event.body,
    },
    function: {
      name: context.functionName,
      version: context.functionVersion,
      memory_mb: context.memoryLimitInMB,
      arn: context.invokedFunctionArn,
    },
    invocation: {
      request_id: context.awsRequestId,
      time_left_falls: after < before && before <= 3000,
    },
    environment: {
      log_group: context.logGroupName,
      log_stream: context.logStreamName,
      region: process.env.AWS_REGION,
    },
  };
};
