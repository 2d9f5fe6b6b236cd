const { randomUUID } = require("node:crypto");

// Outside the handler: runs once, when the environment is made.
const drawnOnce = randomUUID();
let invokes = 0;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

exports.handler = async (event) => {
  invokes += 1;
  await sleep(event.sleep_ms ?? 0);
  return { environment: drawnOnce, invokes };
};
