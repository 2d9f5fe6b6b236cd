// The resolved value of the promise is the function's result.
exports.handler = async (event, context) => {
  console.log("hello from", context.functionName);
  return { message: `Hello, ${event.name ?? "world"}!` };
};
