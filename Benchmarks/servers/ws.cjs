// ws on Node: no list of clients unless it is needed, no compression unless it is asked for. Its
// UTF-8 check stays on, as in every product.
"use strict";
const { readFileSync } = require("fs");
const { WebSocket, WebSocketServer } = require("ws");

const [port, ...words] = process.argv.slice(2);
const has = (word) => words.includes(word);
const tls = words.indexOf("--tls");
const isBroadcast = has("--broadcast");
const isDedicated = has("--dedicated");
const server =
    tls < 0
        ? require("http").createServer()
        : require("https").createServer({
              cert: readFileSync(words[tls + 1]),
              key: readFileSync(words[tls + 2]),
          });
const sockets = new WebSocketServer({
    server,
    clientTracking: isBroadcast,
    maxPayload: 64 << 20,
    perMessageDeflate:
        has("--deflate") || isDedicated
            ? {
                  serverNoContextTakeover: !isDedicated,
                  clientNoContextTakeover: !isDedicated,
                  threshold: 0,
              }
            : false,
});
sockets.on("connection", (socket, request) => {
    request.socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => {
        if (!isBroadcast) return socket.send(data, { binary: isBinary });
        for (const one of sockets.clients)
            if (one.readyState === WebSocket.OPEN) one.send(data, { binary: isBinary });
    });
});
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
