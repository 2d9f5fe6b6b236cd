// What a function needs of PostgreSQL's protocol (version 3): a trusted login and simple
// queries, one at a time.
const net = require('node:net');

exports.connect = async (port, user, database) => {
  const socket = net.connect(port, '127.0.0.1');
  let buffered = Buffer.alloc(0);
  let value, failure, waiting;

  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 5 && buffered.length > buffered.readInt32BE(1)) {
      const end = 1 + buffered.readInt32BE(1);
      message(String.fromCharCode(buffered[0]), buffered.subarray(5, end));
      buffered = buffered.subarray(end);
    }
  });
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(failure ?? new Error('the database closed the connection')));

  function message(type, body) {
    if (type === 'D') value = body.toString('utf8', 6, 6 + body.readInt32BE(2)); // the first column
    if (type === 'E') failure = new Error(body.toString().replaceAll('\0', ' '));
    if (type === 'Z') failure ? waiting.reject(failure) : waiting.resolve(value);
  }

  function send(bytes) {
    value = failure = undefined;
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      socket.write(bytes);
    });
  }

  function framed(body, type) {
    const bytes = Buffer.from(`${type}\0\0\0\0${body}`);
    bytes.writeInt32BE(bytes.length - type.length, type.length);
    return bytes;
  }

  await send(framed(`\0\x03\0\0user\0${user}\0database\0${database}\0\0`, ''));
  return { query: (sql) => send(framed(`${sql}\0`, 'Q')) };
};
