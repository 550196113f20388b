"""Echoes with Tornado, which speaks versions 7, 8 and 13. Prints its port when it is ready."""

import asyncio
import sys

from tornado import httpserver, netutil, web, websocket


class Echo(websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    sockets = netutil.bind_sockets(port, "127.0.0.1")
    httpserver.HTTPServer(web.Application([("/.*", Echo)])).add_sockets(sockets)
    print(f"listening on {sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
