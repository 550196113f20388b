/// Everything Stargate keeps for one connection, in one block of a ``ConnectionSlab``; the
/// transport's own storage (the socket) lies right behind it.
///
/// What few connections need at any moment (a message that spans reads, output that the kernel
/// refused) is behind one pointer each, lent by the loop and given back when it is no longer
/// needed: an idle connection is this block and the application's handler.
@safe
struct ConnectionBlock: ~Copyable {
    let loop: Loop
    /// The limits and the owner, shared by all connections of a listener or client.
    var context: Unmanaged<ConnectionContext>?
    /// The handler, for what is called with every message.
    var lentHandler: LentHandler?
    var inbound: Inbound? { didSet { flags.set(.keepsInput, to: inbound != nil) } }
    var outbound: Outbound? { didSet { flags.set(.keepsOutput, to: outbound != nil) } }
    /// Set when there is TLS between the transport and the connection.
    var tls: TLSSession? { didSet { flags.set(.usesTLS, to: tls != nil) } }
    /// Set when permessage-deflate was agreed on.
    var compression: ConnectionCompression?
    /// Set while the connection is subscribed to topics.
    var subscriptions: Subscriptions?
    /// The next connection on the loop's ``AttentionList``.
    var next: Connection?
    /// The place in the slab, which is also the place in the deadline table.
    let slot: UInt32
    /// The loop's place in its group; here, because a handle may outlive the loop.
    let loopIndex: UInt32
    /// Counts the connections that used this block, so that a handle kept too long is found out.
    var generation: UInt32 = 0
    /// When bytes last arrived, in ticks of the loop's clock.
    var lastHeard: UInt32 = 0
    var flags = ConnectionFlags()
    var phase = Phase.free { didSet { flags.follow(phase) } }
    var version = ProtocolVersion.rfc6455
    /// The route that the connection was opened on, for the watchdog.
    var route = RouteMark.none
    /// What the handler hears when this endpoint cuts the connection.
    var endCode = CloseCode.abnormalClosure
    /// When the keep-alive's ping was sent, in the low bits of the loop's milliseconds; 0 when none
    /// is on its way.
    var pingSentAt: UInt32 = 0
    /// How long the latest of those pings took, in milliseconds; 0 when none was answered.
    var roundTrip: UInt32 = 0
    /// The longest message that is taken whole, as it lies in the buffer; -1 for a connection that
    /// has its frames looked at one by one.
    var wholeByteCountMax: Int32 = -1
    /// Messages that may still come at once, where their rate is limited.
    var messageCredit = MessageCredit()
    /// The place that this connection takes among those the server lets in.
    var seat: (any ConnectionSeat)?

    /// The handler; nil before the connection is open, and when it has heard of the end.
    var handler: (any WebSocketHandler)? {
        get {
            switch lentHandler {
            case .none: nil
            case .some(let lent): lent.handler
            }
        }
        set { lentHandler = newValue.map { LentHandler($0) } }
    }
}

/// A place among the connections that are let in.
protocol ConnectionSeat: AnyObject, Sendable {
    /// The connection is over.
    func leave()
}

/// Where a connection is in its life.
enum Phase: UInt8 {
    /// The block belongs to no connection.
    case free
    /// A client's TCP connection is being made.
    case connecting
    /// The opening handshake: a server reads requests, a client waits for the response.
    case handshake
    /// The opening handshake is whole, and an asynchronous closure of the application decides about
    /// it. Bytes that arrive are held, up to ``Connection/waitingByteCountMax``, and become the
    /// first frames, or nothing. The peer's end of the stream is the end of the connection.
    case deciding
    /// A plain request is whole, and an asynchronous closure makes the response. Bytes that arrive
    /// are held, as the next requests. The peer may have ended its half and still read.
    case answering
    /// Messages flow. RFC 6455 section 4: the OPEN state.
    case open
    /// This endpoint sent its Close frame and waits for the peer's; messages are still received.
    case closing
    /// Both sides said goodbye, or the connection failed: what is buffered is written, then this
    /// endpoint's half is shut, and whatever still arrives is thrown away until the peer ends.
    case ending
    /// The socket is being closed.
    case ended

    /// What the flags of a connection repeat of it.
    var flags: ConnectionFlags {
        switch self {
        case .open: ConnectionFlags.followPhase
        case .closing: .receivesFrames
        case .free, .connecting, .handshake, .deciding, .answering, .ending, .ended: []
        }
    }

    /// Whether the connection may still become a WebSocket: its owner hears of its end.
    var isBeforeOpen: Bool {
        switch self {
        case .connecting, .handshake, .deciding, .answering: true
        case .free, .open, .closing, .ending, .ended: false
        }
    }
}

/// What is true of a connection beside its phase: each flag is independent of the others.
///
/// Some repeat what the block says elsewhere, and follow it: so the frame loop and the sender learn
/// with one comparison that nothing stands in the way of the next message.
struct ConnectionFlags: OptionSet {
    private(set) var rawValue: UInt32

    /// This endpoint is the client: it masks what it sends and takes only unmasked frames.
    static let isClient = ConnectionFlags(rawValue: 1 << 0)
    /// It is on the loop's attention list.
    static let needsAttention = ConnectionFlags(rawValue: 1 << 1)
    /// The kernel refused bytes; the transport will say when it takes more.
    static let isBlocked = ConnectionFlags(rawValue: 1 << 2)
    /// A message was queued behind refused bytes: `drained` is due when all is written.
    static let owesDrained = ConnectionFlags(rawValue: 1 << 3)
    /// The application paused reading.
    static let isPausedByApplication = ConnectionFlags(rawValue: 1 << 4)
    /// The peer does not read what it is sent, so it is not read from.
    static let isPausedByOutput = ConnectionFlags(rawValue: 1 << 5)
    /// The transport is reading.
    static let isReading = ConnectionFlags(rawValue: 1 << 6)
    /// The keep-alive sent a ping and has heard nothing since.
    static let awaitsPong = ConnectionFlags(rawValue: 1 << 7)
    /// This endpoint's half of the connection is shut.
    static let isShut = ConnectionFlags(rawValue: 1 << 8)
    /// The connection is to be cut when its turn on the attention list comes.
    static let isCondemned = ConnectionFlags(rawValue: 1 << 9)
    /// The transport has closed the socket; only the attention list still holds the block.
    static let isReleased = ConnectionFlags(rawValue: 1 << 10)
    /// The bytes of this connection are being worked on further up the stack.
    static let isProcessing = ConnectionFlags(rawValue: 1 << 11)
    /// The peer has ended its half.
    static let peerEnded = ConnectionFlags(rawValue: 1 << 12)

    /// Messages are not plain RFC 6455 frames: a hixie draft, or compression.
    static let isTransformed = ConnectionFlags(rawValue: 1 << 13)
    /// A message is being sent fragment by fragment: no other message may come in between.
    static let sendsFragments = ConnectionFlags(rawValue: 1 << 14)
    /// It had its share of this turn: what it sent further is held until the next.
    static let hasYielded = ConnectionFlags(rawValue: 1 << 15)
    /// It sends much in few frames, so that a whole receive buffer of it may be read at once.
    static let readsMuch = ConnectionFlags(rawValue: 1 << 16)
    /// The message that is being sent fragment by fragment is compressed.
    static let compressesFragments = ConnectionFlags(rawValue: 1 << 20)

    /// The peer has sent its Close frame.
    static let heardClose = ConnectionFlags(rawValue: 1 << 17)
    /// A ping was sent, and no pong has come since.
    static let expectsPong = ConnectionFlags(rawValue: 1 << 18)
    /// It publishes faster than that can be delivered.
    static let isPausedByTopics = ConnectionFlags(rawValue: 1 << 19)

    /// It has sent a frame that is longer than what a connection reads at once while others are read:
    /// to read such frames whole costs less than to read them in parts.
    static let sendsLong = ConnectionFlags(rawValue: 1 << 21)

    /// Its bytes are being worked on, and what it sends is corked.
    static let isCorked = ConnectionFlags(rawValue: 1 << 22)
    /// The phase is one in which frames are received: open or closing.
    static let receivesFrames = ConnectionFlags(rawValue: 1 << 23)
    /// The phase is open: messages may be sent.
    static let isOpen = ConnectionFlags(rawValue: 1 << 24)
    /// There is something in ``ConnectionBlock/inbound``.
    static let keepsInput = ConnectionFlags(rawValue: 1 << 25)
    /// There is something in ``ConnectionBlock/outbound``.
    static let keepsOutput = ConnectionFlags(rawValue: 1 << 26)
    /// There is something in ``ConnectionBlock/tls``.
    static let usesTLS = ConnectionFlags(rawValue: 1 << 27)

    /// Its frames are not simply the messages of a client: it is a client itself, speaks a hixie
    /// draft, has its messages streamed, or their rate limited.
    static let isUncommon = ConnectionFlags(rawValue: 1 << 28)
    /// The latest frame was larger than what a read brings, and the next may be as well.
    static let expectsLargeFrame = ConnectionFlags(rawValue: 1 << 29)

    // Constants, because they are asked for or set with every read, or message.

    static let followPhase: ConnectionFlags = [.isOpen, .receivesFrames]
    static let isInCallback: ConnectionFlags = [.isProcessing, .isCorked]
    static let isPaused: ConnectionFlags = [
        .isPausedByApplication, .isPausedByOutput, .isPausedByTopics,
    ]
    /// The next frame must not be processed. A constant, because it is asked for every frame.
    static let stopsFrames: ConnectionFlags = [
        .isPausedByApplication, .isPausedByTopics, .isCondemned,
    ]
    /// What decides where the next bytes are read to: to where a little of it goes if none is set.
    static let decideSpace: ConnectionFlags = [
        .keepsInput, .usesTLS, .readsMuch, .expectsLargeFrame,
    ]
    /// What decides what becomes of the bytes of a read: they are frames, from the first to the last,
    /// if, of these, only ``isOpen`` is set.
    static let decideReading: ConnectionFlags = [
        .isOpen, .keepsInput, .keepsOutput, .usesTLS, .isUncommon, .expectsLargeFrame,
    ]
    /// What decides whether the next frame may be taken for a whole message: it may if, of these,
    /// only ``receivesFrames`` is set. Asked for every frame.
    static let decideFrames: ConnectionFlags = [.receivesFrames, .keepsInput, .stopsFrames]
    /// What decides whether a message is one plain frame without a mask, to be put into the cork: it
    /// is if, of these, just ``sendsIntoCork`` are set. Asked for every message.
    static let decideSending: ConnectionFlags = [
        .sendsIntoCork, .keepsOutput, .isClient, .isTransformed,
    ]
    static let sendsIntoCork: ConnectionFlags = [.isOpen, .isCorked]
    /// Nothing can be written now. Asked for every record.
    static let stopsWriting: ConnectionFlags = [.isBlocked, .isCondemned]

    init(rawValue: UInt32) { self.rawValue = rawValue }

    @inline(__always)
    mutating func set(_ flags: ConnectionFlags, to isSet: Bool) {
        rawValue = isSet ? rawValue | flags.rawValue : rawValue & ~flags.rawValue
    }

    /// The phase has changed.
    mutating func follow(_ phase: Phase) {
        rawValue = rawValue & ~Self.followPhase.rawValue | phase.flags.rawValue
    }
}
