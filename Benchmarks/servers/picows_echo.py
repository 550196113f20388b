"""picows on uvloop. Its callbacks get frames, not messages, and the payload is a view of the
receive buffer: it is sent from there."""

import uvloop
from picows import WSListener, WSMsgType, ws_create_server

from python_options import Options

OPTIONS = Options()
OPTIONS.refuse(OPTIONS.deflate, "compression")
EVERYONE = set()


class Echo(WSListener):
    def on_ws_frame(self, transport, frame):
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind == WSMsgType.TEXT:
            # The library leaves this check to its user. RFC 6455 section 8.1.
            frame.get_payload_as_utf8_text()
            transport.send(kind, frame.get_payload_as_memoryview(), frame.fin)
        elif kind != WSMsgType.PING and kind != WSMsgType.PONG:
            transport.send(kind, frame.get_payload_as_memoryview(), frame.fin)


class Broadcast(WSListener):
    def on_ws_connected(self, transport):
        EVERYONE.add(transport)

    def on_ws_disconnected(self, transport):
        EVERYONE.discard(transport)

    def on_ws_frame(self, transport, frame):
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind == WSMsgType.TEXT or kind == WSMsgType.BINARY:
            payload = frame.get_payload_as_bytes()
            for one in EVERYONE:
                one.send(kind, payload, frame.fin)


async def main():
    listener = Broadcast if OPTIONS.broadcast else Echo
    server = await ws_create_server(
        lambda request: listener(), "127.0.0.1", OPTIONS.port, ssl=OPTIONS.tls, backlog=4096,
        max_frame_size=64 << 20, read_buffer_init_size=64 << 10)
    await server.serve_forever()


uvloop.run(main())
