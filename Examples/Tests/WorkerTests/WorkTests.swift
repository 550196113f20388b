// How to test an asynchronous handler: where it waits for something outside of the server, as here
// for the clock, the test waits with a limit.

import StargateCore
import StargateTesting
import Testing

@testable import worker

@Suite("Work")
struct WorkTests {
    @Test("jobs are done one after the other")
    func order() async throws {
        let app = try TestServer { server in
            server.webSocket("/work") { socket in
                try await work(for: socket, duration: .milliseconds(1))
            }
        }
        let peer = try app.connect("/work")
        for size in [1, 2, 3] { peer.send([UInt8](repeating: 0, count: size)) }
        for size in [1, 2, 3] {
            let answer = try await peer.receive(within: .seconds(30))
            #expect(answer == .text("\(size): \(size) bytes"))
        }
        peer.close()
        #expect(peer.receivedClose?.code == .normalClosure)
    }
}
