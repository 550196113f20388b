"""The server under test and what is known about it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_PORTS = {"ws": 80, "wss": 443}


class Target:
    """A ws: or wss: URL, taken apart."""

    def __init__(self, url):
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{url} is not a ws:// or wss:// URL")
        if parts.query or parts.fragment:
            raise ValueError("the URL of the server must not have a query: cases add their own")
        self.url = url
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = parts.port or DEFAULT_PORTS[parts.scheme]
        self.path = parts.path or "/"
        self.is_secure = parts.scheme == "wss"

    @property
    def host_field(self):
        """The value of Host: with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def origin_of(self, host_field):
        """The origin of a page on that host, which every sensible policy lets in."""
        return ("https://" if self.is_secure else "http://") + host_field

    def location(self, path=None, host_field=None):
        """What the hixie drafts must answer as location."""
        return f"{self.scheme}://{host_field or self.host_field}{path or self.path}"


@dataclass
class Options:
    """How the run is to be done; the command line fills it in."""

    target: Target
    # Seconds for one case.
    timeout: float = 5.0
    # Seconds in which a server that has nothing to say is believed to stay silent.
    quiet: float = 0.3
    # The origin that is sent; None for the server's own.
    origin: str = None
    # An origin that the server is configured to refuse; None if there is none.
    refused_origin: str = None
    # The longest message that the server takes, in bytes; None if it is not known.
    max_message: int = None
    # Seconds that the server grants for the opening handshake; None if it is not known.
    handshake_timeout: float = None
    # Whether every path leads to the echo, not only the one of the URL.
    any_path: bool = False
    # Generations that are switched off and must be refused with 426.
    off: frozenset = field(default_factory=frozenset)

    @property
    def offers(self):
        """What cases may need, in words that stand in `Case.needs`."""
        offered = {"off-" + generation for generation in self.off}
        if not self.target.is_secure:
            # Over TLS there is no half-close that every server understands.
            offered.add("half-close")
        if self.any_path:
            offered.add("any-path")
        if self.max_message:
            offered.add("max-message")
        if self.handshake_timeout:
            offered.add("handshake-timeout")
        if self.refused_origin:
            offered.add("refused-origin")
        return offered
