/// What is done with a message for a peer that does not read as fast as messages are sent.
///
/// It acts on two queues. What handlers `send` waits in the queue of bytes, where nothing can be
/// taken back: only ``close`` and dropping the newest are possible there, so ``dropOldest`` and
/// ``latest`` mean ``dropNewest``. What is published waits, message by message, in a queue of its
/// own behind that. Control frames are never dropped.
public enum SlowConsumerPolicy: Sendable {
    /// The connection ends: a peer that does not read does not stay.
    ///
    /// When the queue of bytes is full, the handler hears 1008 and the peer gets no Close frame,
    /// which would have to wait behind what it does not read. When the queue of publications is
    /// full, the handler hears 1013, and so does the peer if it reads on in time.
    case close
    /// The message is dropped; `send` says so.
    case dropNewest
    /// Of the publications that wait, the oldest are dropped until the new one fits.
    case dropOldest
    /// While the peer is blocked, a publication takes the place of the one with the same topic and
    /// key that waits: a slow peer gets fewer messages, and each is news. Also known as
    /// conflation. When the queue is full even so, the oldest are dropped.
    case latest
    /// The publisher waits: for peers that must have everything, from publishers that can do with
    /// the pace of the slowest of them.
    ///
    /// A publisher that can wait, by `publishAndWait` or
    /// ``AsyncWebSocket/publish(_:to:key:)-(OwnedMessage,_,_)``, goes on when the queue of every
    /// such peer has room: once it was full, when half of it is empty again. A peer that does not
    /// come so far within ``Server/Configuration/slowPeerTimeout`` is cut, 1008, so that no
    /// publisher waits longer than that for it. For messages of publishers that cannot wait, and
    /// for what is sent directly, this is ``close``.
    case wait

    /// Whether a full queue of bytes ends the connection.
    var endsConnection: Bool {
        switch self {
        case .close, .wait: true
        case .dropNewest, .dropOldest, .latest: false
        }
    }
}

extension DropReason {
    init(_ policy: SlowConsumerPolicy) {
        switch policy {
        case .close, .wait: self = .close
        case .dropNewest: self = .dropNewest
        case .dropOldest: self = .dropOldest
        case .latest: self = .latest
        }
    }
}
