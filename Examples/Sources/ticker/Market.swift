import StargateCore
import Synchronization

/// Prices in cents, which wander about.
final class Market: Sendable {
    static let topic: Topic = "prices"

    private let prices = Mutex<[String: Int]>([
        "ABY": 12_040, "CHV": 3_380, "DHD": 915, "GLX": 48_800, "ORB": 7_105, "PEG": 1_560,
    ])
    private let skipped = Atomic<Int>(0)

    /// How many prices slow peers were spared.
    var skippedCount: Int { skipped.load(ordering: .relaxed) }

    func skip(_ count: Int) { skipped.add(count, ordering: .relaxed) }

    /// Changes every price a little. Returns the new ones.
    func change() -> [String: Int] {
        prices.withLock { prices in
            for symbol in prices.keys {
                prices[symbol, default: 0] += Int.random(in: -25...25)
                prices[symbol] = max(1, prices[symbol] ?? 1)
            }
            return prices
        }
    }
}

/// A page that shows the prices.
final class Watcher: WebSocketHandler {
    private let market: Market

    init(_ market: Market) { self.market = market }

    func opened(_ socket: WebSocket) {
        socket.subscribe(to: Market.topic, policy: .latest)
    }

    /// Pages listen.
    func received(_ message: Message, on socket: WebSocket) {}

    func dropped(_ count: Int, on socket: WebSocket) { market.skip(count) }
}
