"""The command line that every server in this folder takes; see options.h."""

import ssl
import sys

UNSUPPORTED = 64


class Options:
    def __init__(self):
        words = sys.argv[1:]
        self.port = int(words[0])
        # Whether contexts last follows from what the client offers.
        self.deflate = "--deflate" in words or "--dedicated" in words
        self.broadcast = "--broadcast" in words
        self.tls = None
        if "--tls" in words:
            place = words.index("--tls")
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(words[place + 1], words[place + 2])

    def refuse(self, wanted, what):
        if wanted:
            print(f"this server has no {what}", file=sys.stderr)
            sys.exit(UNSUPPORTED)
