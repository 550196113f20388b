"""An echo server written with Python `websockets`, for `make compare`. Prints where it listens."""

import asyncio
import signal

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # No compression and no deadline for pings: what is compared is the plain protocol.
    async with serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"listening on ws://{host}:{port}", flush=True)
        await stop.wait()


asyncio.run(main())
