import StargateCore
import StargateTesting
import Testing

private final class Subscriber: WebSocketHandler {
    private let filter: TopicFilter
    private let policy: SlowConsumerPolicy?

    init(_ filter: TopicFilter, _ policy: SlowConsumerPolicy? = nil) {
        self.filter = filter
        self.policy = policy
    }

    func opened(_ socket: WebSocket) { socket.subscribe(matching: filter, policy: policy) }
    func received(_ message: Message, on socket: WebSocket) {}
}

@Suite("Rules for the slow subscribers of topics")
struct TopicRuleTests {
    private static let padding = String(repeating: "x", count: 1000)

    private func makeServer() throws -> TestServer {
        var configuration = Server.Configuration()
        configuration.publicationQueueCount = 8
        configuration.outputSoftLimit = 4000
        configuration.keepAliveInterval = nil
        return try TestServer(configuration: configuration) { server in
            server.topics(matching: "prices/#", slowConsumers: .latest)
            server.topics(matching: "logs/+", slowConsumers: .dropOldest)
            server.topics(matching: "#", slowConsumers: .dropNewest)
            server.webSocket("/all") { _ in .accept { Subscriber("#") } }
            server.webSocket("/route") { _ in
                .accept(options: .init(slowConsumerPolicy: .close)) { Subscriber("#") }
            }
            server.webSocket("/own") { _ in .accept { Subscriber("#", .close) } }
        }
    }

    /// Publishes to a topic, with two keys in turn, and returns what a peer gets that began to read
    /// only afterwards; it is behind by more than its queue takes.
    private func flood(_ app: TestServer, _ path: String, _ topic: Topic) throws -> [Int] {
        let peer = try app.connect(path)
        peer.stopReading(afterBuffering: 2000)
        for index in 0..<100 {
            app.server.publish("\(index) \(Self.padding)", to: topic, key: "\(index % 2)")
            app.settle()
        }
        peer.resumeReading()
        return try peer.receiveAll().map { message in
            guard case .text(let text) = message else { return -1 }
            return Int(text.prefix { $0 != " " }) ?? -1
        }
    }

    @Test(
        "each topic has the policy of the first rule that matches, whatever the subscriber's filter"
    )
    func first() throws {
        let app = try makeServer()
        // Two keys: of each the latest is all that waits, behind what the kernels and the queue
        // of bytes took before.
        let prices = try flood(app, "/all", "prices/xetra/SAP")
        #expect(prices.suffix(2) == [98, 99])
        #expect(prices.count < 12)
        let logs = try flood(app, "/all", "logs/app")
        #expect(logs.suffix(8) == Array(92..<100)[...])
        let news = try flood(app, "/all", "news")
        #expect(news == Array(0..<news.count))
        #expect(news.count > 8 && news.count < 20)
    }

    @Test("comes before the route's policy, and behind the subscription's own")
    func precedence() throws {
        let app = try makeServer()
        #expect(try flood(app, "/route", "news").count > 8)
        let peer = try app.connect("/own")
        peer.stopReading(afterBuffering: 2000)
        for _ in 0..<100 {
            app.server.publish(Self.padding, to: "news")
            app.settle()
        }
        peer.resumeReading()
        #expect(peer.receivedClose?.code == .tryAgainLater)
    }

    @Test("one that comes too late is a programmer's mistake")
    func late() async {
        await #expect(processExitsWith: .failure) {
            let app = try TestServer { _ in }
            app.server.topics(matching: "#", slowConsumers: .latest)
        }
    }
}
