// Greets whoever the path names, behind an HTTP API.
exports.handler = async (event) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    greeting: `Hello, ${event.pathParameters.name}`,
    method: event.requestContext.http.method,
    sent: event.body ?? null,
  }),
});
