class OrderError extends Error {
  constructor(message) {
    super(message);
    this.name = "OrderError";
  }
}

// One function, each way to fail: an error, a crash, running out of memory, never
// ending.
exports.handler = async (event) => {
  switch (event.how) {
    case "crash":
      process.exit(3);
    case "memory": {
      const kept = [];
      for (;;) kept.push(Buffer.alloc(8 << 20, 1));
    }
    case "hang":
      for (;;);
    case "none":
      return "all is well";
    default:
      throw new OrderError("the lamp is sold out");
  }
};
