/// The application's handler of a connection, as its block keeps it.
///
/// It cannot be copied: whoever calls the handler through it borrows it, so that a message costs no
/// counting of references. The block must not let go of it meanwhile. It does that when
/// ``Connection/notifyClosed(_:_:)`` is called, which never happens within the handler's own calls,
/// and when the block is given back.
struct LentHandler: ~Copyable {
    /// The handler itself, counted like any reference.
    let handler: any WebSocketHandler

    init(_ handler: any WebSocketHandler) { self.handler = handler }

    @inline(__always)
    borrowing func received(_ message: Message, on socket: WebSocket) {
        handler.received(message, on: socket)
    }
}
