extension Server {
    /// How a server listens and what it allows. The defaults are safe without reading on.
    public struct Configuration: Sendable {
        /// The address to listen on: an IPv4 or IPv6 address, `localhost`, or `0.0.0.0` and `::`
        /// for every interface. The default is reachable from this machine only.
        public var host = "127.0.0.1"

        /// The TCP port; 0 has the system choose one, see ``Server/addresses``.
        public var port = 9001
        /// Lets other processes of the same user listen on the same port (SO_REUSEPORT): the kernel
        /// deals connections out among them. Off, because a second server that is started by mistake
        /// should hear that the port is taken.
        public var sharesPort = false

        /// The path of a Unix domain socket to listen on instead of TCP. A socket file that is
        /// left from before is replaced; another file is not.
        public var unixSocketPath: String?

        /// Where the listening sockets come from: made here, or inherited.
        public var listeners = ListenerSource.bound

        /// The path of a Unix domain socket over which the next generation of this server takes the
        /// listening sockets over: a process that is started with the same path gets them from the
        /// one that runs, which then says goodbye to its peers. No connection is refused meanwhile.
        /// Only the same user and root are given them. The folder should be writable for nobody
        /// else, such as `/run/chat/`.
        public var handoverPath: String?

        /// Whether ``Server`` tells the service manager that it is ready, that it stops, and that
        /// it is alive; see ``ServiceManager``. Without one it does nothing.
        public var notifiesServiceManager = false

        /// The proxies whose connections begin with a PROXY header, version 1 or 2, that tells the
        /// client's address: a connection from there without one is refused, and one from anywhere
        /// else is refused if it has one. Peers on a ``unixSocketPath`` are trusted when this is not
        /// empty: who may connect there is up to the file's permissions.
        public var trustedProxies: [AddressRange] = []

        /// How long one callback may keep a loop from its other connections before
        /// ``Server/Configuration/log`` is told which; nil for no such watch.
        public var watchdogLimit: Duration? = .seconds(1)

        /// How many loops, each with its thread and its listening socket; nil for one per
        /// processor.
        public var loopCount: Int?

        /// How many connections the kernel keeps waiting to be accepted. Reconnect storms after a
        /// restart need a long queue; the kernel cuts it to `net.core.somaxconn`.
        public var backlog = 4096

        /// How TLS is spoken; nil for plain connections. Every listener of the server speaks it.
        public var tls: TLSConfiguration?

        /// The most connections at a time, over all loops. Above it a client gets 503 with
        /// `Retry-After`, or a reset when many come. Nil for what the limit of descriptors leaves
        /// (`ulimit -n`, less 64 and 8 for each loop, or less an eighth if there are few), which is
        /// never exceeded: then accepting does not fail for want of one, and neither does the rest of
        /// the program. On Linux, Swift's own runtime ends a process that has none left.
        public var maxConnections: Int?

        /// The most connections at a time from one address: 503 as above. Nil, the default, for any
        /// number: behind a proxy or the address translation of a company or a carrier all clients
        /// share one address, so only who knows the network can say what is too many.
        public var maxConnectionsPerAddress: Int?

        /// How many connections an address may begin in a second, on average: 503 as above, before
        /// anything is kept for the connection. Nil for any number, for the same reason.
        public var handshakesPerSecondPerAddress: Double?

        /// How many of them may come at once. A page that opens several connections, and its reload,
        /// stay below.
        public var handshakeBurstPerAddress = 50

        /// Whether IPv6 addresses count by their first 64 bits, as one subscriber's. A subscriber
        /// chooses the other 64 by itself, and could be 2^64 clients otherwise.
        public var groupsIPv6Addresses = true

        /// How much memory connections may take in all, in bytes: blocks, buffers, queues, contexts
        /// of compression, TLS sessions and bodies, see ``Server/metrics``. At 95 of 100 no
        /// connection is let in; at 98 the connections that hold the most are ended with 1013,
        /// until it is 95 again. The default is half of the machine's memory, or of the
        /// container's. Nil for no limit.
        public var memoryBudget: Int? = MemoryBudget.defaultByteCount

        /// How many messages and control frames a peer may send in a second, on average over a
        /// second: 1008. Nil, the default, for any number: reading from one peer never keeps the
        /// others waiting, and how much is too much is for the application to say.
        public var maxMessagesPerSecond: Int?

        /// The protocol generations that are spoken. The hixie drafts do not mask what browsers
        /// send, so they must be asked for.
        public var protocols = ProtocolSet.default

        /// How messages are compressed for clients that ask for it; nil for not at all, the default:
        /// compression costs processor time for every message, and secrets need care with it.
        public var compression: PerMessageDeflate?

        /// The longest message in bytes, fragments summed up. Judged at the frame's header, before
        /// anything is kept: 1009.
        public var maxMessageSize = 1 << 20

        /// The most fragments of one message: 1008. Each costs only its bytes here, so the limit is
        /// there to end what never ends.
        public var maxFragmentCount = 16_384

        /// How long a client may take from being accepted to the end of the opening handshake,
        /// however slowly its bytes trickle in.
        public var handshakeTimeout = Duration.seconds(10)

        /// How long an asynchronous closure may take to decide about an upgrade: the client gets 503
        /// then, and the closure's task is cancelled. As long as the handshake itself may take: a
        /// look at a database is a matter of milliseconds, and a person who waits gives up earlier.
        public var upgradeTimeout = Duration.seconds(10)

        /// The longest body of a plain HTTP request in bytes: 413. Bodies are kept in memory.
        public var maxBodySize = 1 << 20

        /// How long the body of a request may take from the end of its head on: 408.
        public var bodyTimeout = Duration.seconds(30)

        /// How long an asynchronous closure may take to answer a plain HTTP request: the client gets
        /// 503 then, and the closure's task is cancelled. Shorter than the minute after which
        /// proxies give up.
        public var responseTimeout = Duration.seconds(30)

        /// Where the asynchronous closures of routes run; nil for the pool that all tasks share. One
        /// of their own keeps clients from waiting behind whatever else a program does.
        public var taskExecutor: (any TaskExecutor)?

        /// How long a connection is kept for another plain HTTP request.
        public var requestIdleTimeout = Duration.seconds(15)

        /// After so much silence the peer is sent a ping; nil for never, at the price that peers
        /// that vanished are never noticed.
        public var keepAliveInterval: Duration? = .seconds(20)

        /// How long the peer may take to answer that ping with anything at all.
        public var pongTimeout = Duration.seconds(20)

        /// How long the peer may take to answer a Close frame, and to end the TCP connection.
        public var closeTimeout = Duration.seconds(5)

        /// Above so many bytes of unsent output a peer has ``slowPeerTimeout`` to catch up. It is no
        /// longer read from above half of this already, so that what it asks for and does not
        /// take waits at its own end.
        public var outputSoftLimit = 256 << 10

        /// How long a peer may stay above ``outputSoftLimit`` before it is cut, unless it has read
        /// at least as many bytes in that time: who is slow goes on, who stopped goes.
        public var slowPeerTimeout = Duration.seconds(10)

        /// The most bytes of unsent output for one peer; see ``slowConsumerPolicy``. A single
        /// message may pass it while no more than a quarter of it is waiting.
        public var outputHardLimit = 1 << 20

        /// What happens to a message that would pass ``outputHardLimit``.
        public var slowConsumerPolicy = SlowConsumerPolicy.close

        /// The most topics and filters that one connection may be subscribed to. They are kept in
        /// a list, which thousands would make slow.
        public var maxTopicsPerConnection = 1024

        /// The most publications that wait for one peer that does not keep up; see
        /// ``slowConsumerPolicy``. All who wait for the same message share it.
        public var publicationQueueCount = 1024

        /// The most bytes of publications that wait for one peer.
        public var publicationQueueSize = 1 << 20

        /// What peers are told when the server stops, and how fast.
        public var drain = DrainPolicy()

        /// How long ``Server/stop()`` waits for closing handshakes and for the answers to requests,
        /// counted from when it stops listening, before it cuts what remains. Shorter than the time
        /// after which service managers kill: 30 seconds in Kubernetes, 90 in systemd.
        public var shutdownTimeout = Duration.seconds(10)

        /// Takes what the server has to say, at most a line per connection; nothing is logged per
        /// message. The default writes warnings and errors to standard error.
        public var log: @Sendable (LogEntry) -> Void = LogEntry.writeToStandardError

        /// What sockets are served by; tests choose.
        var transport = TransportChoice.native

        /// The defaults, with another address.
        public init(host: String = "127.0.0.1", port: Int = 9001, loopCount: Int? = nil) {
            self.host = host
            self.port = port
            self.loopCount = loopCount
        }

        var limits: ConnectionLimits {
            ConnectionLimits(
                maxMessageSize: maxMessageSize,
                maxFragmentCount: maxFragmentCount,
                outputSoftLimit: outputSoftLimit,
                outputHardLimit: outputHardLimit,
                outputPolicy: slowConsumerPolicy,
                slowPeerTimeout: slowPeerTimeout,
                handshakeTimeout: handshakeTimeout,
                keepAliveInterval: keepAliveInterval,
                pongTimeout: pongTimeout,
                closeTimeout: closeTimeout,
                handshakesPerTurn: max(1, tls?.handshakesPerTurn ?? 1),
                messagesPerSecond: maxMessagesPerSecond.map { max(1, $0) } ?? 0
            )
        }
    }
}
