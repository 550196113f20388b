// Drives Debian's node-ws against an echo server. One line per check: mark, name, detail, with tabs.
"use strict";
const crypto = require("crypto");
const WebSocket = require("ws");

const url = process.argv[2];
let failures = 0;

async function check(name, body) {
  try {
    await body();
    console.log(`ok\t${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL\t${name}\t${error.message}`);
  }
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

function within(promise, milliseconds = 10000) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

function once(emitter, event) {
  return within(new Promise((resolve, reject) => {
    emitter.once(event, (...values) => resolve(values));
    emitter.once("error", reject);
  }));
}

async function open(options = {}, protocols = []) {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  await once(socket, "open");
  return socket;
}

async function echo(socket, data, binary) {
  socket.send(data, { binary });
  const [got, gotBinary] = await once(socket, "message");
  expect(gotBinary === binary, `sent binary ${binary}, got binary ${gotBinary}`);
  expect(Buffer.compare(got, Buffer.from(data)) === 0, `${got.length} other bytes came back`);
}

async function main() {
  const socket = await open();
  for (const size of [0, 1, 125, 126, 127, 65535, 65536, 1 << 20]) {
    await check(`text and binary of ${size} bytes`, async () => {
      await echo(socket, "s".repeat(size), false);
      await echo(socket, crypto.randomBytes(size), true);
    });
  }
  await check("fragments", async () => {
    socket.send("one ", { fin: false });
    socket.send("", { fin: false });
    socket.send("tw€", { fin: true });
    const [got] = await once(socket, "message");
    expect(got.toString() === "one tw€", `got ${got}`);
  });
  await check("ping and pong", async () => {
    socket.ping("are you there");
    const [payload] = await once(socket, "pong");
    expect(payload.toString() === "are you there", `got ${payload}`);
  });
  for (const code of [1000, 1001, 1011, 3000, 4999]) {
    await check(`closing handshake with ${code}`, async () => {
      const other = await open();
      other.close(code, "bye");
      const [got, reason] = await once(other, "close");
      expect(got === code, `closed with ${got}`);
      expect(["bye", ""].includes(reason.toString()), `reason ${reason}`);
    });
  }
  await check("an offer of compression is declined or kept", async () => {
    const other = await open({ perMessageDeflate: true });
    await echo(other, "a".repeat(5000), false);
    other.close();
  });
  await check("200 connections at once", async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => open()));
    await Promise.all(all.map((one, number) => echo(one, `client ${number}`, false)));
    await Promise.all(all.map((one) => { one.close(); return once(one, "close"); }));
  });
  await check("a message over the limit gets 1009", async () => {
    const closed = once(socket, "close");
    socket.on("error", () => {});
    socket.send(Buffer.alloc((1 << 20) + 1));
    const [code] = await closed;
    expect(code === 1009, `closed with ${code}`);
  });
}

main().then(() => process.exit(failures ? 1 : 0), (error) => {
  console.error(error.message);
  process.exit(2);
});
