"""An echo server on the `websockets` package: a server that somebody else wrote.

Prints its port, echoes, and ends with its standard input.
"""

import asyncio
import signal
import sys

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    stop = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set_result, None)
    loop.add_reader(sys.stdin, lambda: stop.done() or stop.set_result(None))
    async with serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop


asyncio.run(main())
