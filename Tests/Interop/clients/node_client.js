// Speaks to an echo server with ws.
//
//     node node_client.js ws://127.0.0.1:9001/ 8|13 echo|refused
//
// Prints a line for every check: "ok ..." or "not ok ...".
'use strict';
const WebSocket = require(process.env.NODE_WS || 'ws');
const [url, version, mode] = process.argv.slice(2);

const timer = setTimeout(() => {
  console.log('not ok: no answer in 30 seconds');
  process.exit(1);
}, 30000);

function report(name, problem) {
  console.log(problem ? `not ok ${name}: ${problem}` : `ok ${name}`);
}

function finish() {
  clearTimeout(timer);
  process.exit(0);
}

const origin = url.replace(/^ws:/, 'http:').replace(/\/$/, '');
const socket = new WebSocket(url, {
  protocolVersion: Number(version), origin, perMessageDeflate: false,
});

if (mode === 'refused') {
  socket.on('open', () => { report('refused with 426', 'accepted'); finish(); });
  socket.on('unexpected-response', (_, response) => {
    const status = response.statusCode;
    report('refused with 426', status === 426 ? null : `status ${status}`);
    finish();
  });
  socket.on('error', (error) => { report('refused with 426', error.message); finish(); });
} else {
  const messages = [];
  for (const size of [0, 1, 125, 126, 65535, 65536]) {
    messages.push([`text, ${size} bytes`, 'x'.repeat(size)]);
    messages.push([`binary, ${size} bytes`, Buffer.alloc(size, 0xff)]);
  }
  messages.push(["text, all of Unicode's lengths", 'a é ☃ 𝄞']);
  messages.push(['20 texts', null]);
  let left = 0;

  const next = () => {
    if (!messages.length) { socket.close(1000, 'done'); return; }
    const payload = messages[0][1];
    if (payload === null) {
      left = 20;
      for (let number = 0; number < 20; number += 1) socket.send(`text ${number}`);
    } else {
      socket.send(payload);
    }
  };

  socket.on('open', () => { report('opening handshake'); next(); });
  socket.on('message', (data, isBinary) => {
    const [name, payload] = messages[0];
    if (payload === null) {
      if (data.toString() !== `text ${20 - left}`) report(name, `${data} came out of order`);
      left -= 1;
      if (left > 0) return;
      report(name);
    } else {
      const wanted = Buffer.from(payload);
      const isSame = wanted.equals(data) && isBinary === (typeof payload !== 'string');
      report(name, isSame ? null : `${data.length} bytes came back, ${wanted.length} were sent`);
    }
    messages.shift();
    next();
  });
  socket.on('ping', () => {});
  socket.on('close', (code) => {
    const isDone = !messages.length && code === 1000;
    report('closing handshake', isDone ? null : `${code}, ${messages.length} checks were left`);
    finish();
  });
  socket.on('error', (error) => { report('connection', error.message); finish(); });
}
