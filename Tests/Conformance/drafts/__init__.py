"""A conformance suite for the WebSocket protocols that came before RFC 6455.

The way of a case: `cases/` describes it, `runner` gives it a `Trial`, the trial opens a `Peer` to
the server under test, a dialect (`hixie`, `hybi`) knows the bytes of its generation, and a report
is written from the outcomes.
"""
