"""Python's websockets, its asyncio server on uvloop, with the C extension it installs by itself."""

import uvloop
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

from python_options import Options

OPTIONS = Options()
EVERYONE = set()


async def echo(connection):
    try:
        # As text arrives it is decoded, which is its UTF-8 check.
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def publish(connection):
    EVERYONE.add(connection)
    try:
        async for message in connection:
            broadcast(EVERYONE, message)
    except ConnectionClosed:
        pass
    finally:
        EVERYONE.discard(connection)


async def main():
    server = await serve(
        publish if OPTIONS.broadcast else echo, "127.0.0.1", OPTIONS.port, ssl=OPTIONS.tls,
        compression="deflate" if OPTIONS.deflate else None, max_size=64 << 20, backlog=4096,
        ping_interval=None, server_header=None)
    await server.serve_forever()


uvloop.run(main())
