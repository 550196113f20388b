// An echo server on Node's `ws`. Prints its port, echoes, and ends with its standard input.
"use strict";
const { WebSocketServer } = require("/usr/share/nodejs/ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on("listening", () => console.log(server.address().port));
process.on("SIGTERM", () => process.exit(0));
process.stdin.on("end", () => process.exit(0)).resume();
