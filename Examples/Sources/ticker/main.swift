// Prices that change all the time. Whoever reads slowly gets fewer of them, and each is the latest.
//
//     ticker [port] [changes per second]                   0 takes a free port

import Glibc
import StargateCore

let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
let port = arguments.first.flatMap { $0 } ?? 9001
let rate = max(1, arguments.dropFirst().first.flatMap { $0 } ?? 20)
let server = Server(configuration: .init(port: port))
let page = Response.file(PackageResources.ticker_html, contentType: "text/html; charset=utf-8")
let market = Market()

server.get("/") { _ in page }
server.get("/skipped") { _ in .text("\(market.skippedCount)\n") }
server.webSocket("/prices") { _ in .accept { Watcher(market) } }

let changes = Task {
    while !Task.isCancelled {
        try await Task.sleep(for: .seconds(1) / rate)
        for (symbol, price) in market.change() {
            let line = #"{"symbol":"\#(symbol)","price":\#(price)}"#
            // The key: of the prices of one symbol, a slow peer needs the last one only.
            server.publish(line, to: Market.topic, key: symbol)
        }
    }
}
try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on http://\(address)/") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
changes.cancel()
