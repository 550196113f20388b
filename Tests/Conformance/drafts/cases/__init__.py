"""The cases. Importing this package registers them all."""

from . import (  # noqa: F401
    hixie75_handshake,
    hixie76_handshake,
    hixie76_key3,
    hixie_common_handshake,
    hixie_frames,
    hixie_limits,
    hixie_closing,
    hybi_handshake,
    hybi_frames,
    hybi_fragments,
    hybi_closing,
    generations,
)
