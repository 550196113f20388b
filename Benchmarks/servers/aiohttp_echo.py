"""aiohttp's server on uvloop, with the C extensions it installs by itself."""

import uvloop
from aiohttp import WSMsgType, web

from python_options import Options

OPTIONS = Options()
EVERYONE = set()


async def echo(request):
    socket = web.WebSocketResponse(compress=OPTIONS.deflate, max_msg_size=64 << 20)
    await socket.prepare(request)
    if OPTIONS.broadcast:
        EVERYONE.add(socket)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                send = web.WebSocketResponse.send_str
            elif message.type is WSMsgType.BINARY:
                send = web.WebSocketResponse.send_bytes
            else:
                break
            if OPTIONS.broadcast:
                for one in list(EVERYONE):
                    await send(one, message.data)
            else:
                await send(socket, message.data)
    finally:
        EVERYONE.discard(socket)
    return socket


def main():
    application = web.Application()
    application.router.add_get("/{path:.*}", echo)
    web.run_app(application, host="127.0.0.1", port=OPTIONS.port, ssl_context=OPTIONS.tls,
                access_log=None, print=None, backlog=4096, loop=uvloop.new_event_loop())


main()
