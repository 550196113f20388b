import CZlib
import Testing

@testable import StargateCore

@Suite("Threats: what is sent, and compression")
struct MessageThreatTests {
    @Test("row 74: lengths of more than 4 GiB are written whole")
    func row74Lengths() {
        for length in [1 << 32, (1 << 32) + 1, 5 << 30, 1 << 40, Int.max] {
            var header = [UInt8](repeating: 0, count: FrameEncoder.headerByteCountMax)
            let count = header.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map {
                    FrameEncoder.writeHeader(
                        to: $0,
                        firstByte: 0x82,
                        payloadByteCount: length,
                        maskingKey: nil
                    )
                }
            }
            #expect(count == 10)
            let found = scan(Array(header[..<10]), isServer: false, limit: .max).header
            #expect(found?.payloadByteCount == length)
        }
    }

    @Test(
        "row 74: a close reason is cut where a character ends, and holds nothing else",
        arguments: ["a", "é", "☃", "𝄞"]
    )
    func row74Reason(character: String) async throws {
        for padding in 0..<4 {
            let reason =
                String(repeating: "x", count: padding) + String(repeating: character, count: 200)
            let script = Script(opened: { $0.close(.normalClosure, reason: reason) })
            let server = try TestServer(.quiet, script: script)
            let peer = try RawPeer.open(server.address)
            let frame = try peer.receiveFrame()
            #expect(frame.first == 0x88)
            #expect(frame.payload.prefix(2) == [3, 0xE8])
            let sent = String(validating: frame.payload.dropFirst(2), as: UTF8.self)
            #expect(sent.map { reason.hasPrefix($0) } == true)
            #expect(frame.payload.count <= 125)
            #expect(frame.payload.count > 125 - character.utf8.count)
            await server.stop()
        }
    }

    @Test("row 84: nothing is compressed by default, and any message can be left as it is")
    func row84() throws {
        #expect(Server.Configuration().compression == nil)
        #expect(try ClientRequest(url: "ws://h/").compression == nil)
        var options = WebSocketOptions()
        #expect(options.compresses)
        options.compresses = false
        #expect(WebSocketOptions(compresses: false) == options)
    }

    @Test("row 85: zlib is newer than what its two worst faults were in")
    func row85() throws {
        let version = String(cString: zlibVersion())
        let parts = version.split { !$0.isNumber }.prefix(3).compactMap { Int($0) }
        try #require(parts.count == 3, "\(version)")
        // CVE-2018-25032 was mended in 1.2.12, CVE-2022-37434 in 1.2.13, and Debian's 1.2.13 is the
        // oldest that still gets fixes.
        #expect(!parts.lexicographicallyPrecedes([1, 2, 12]), "\(version)")
    }
}
