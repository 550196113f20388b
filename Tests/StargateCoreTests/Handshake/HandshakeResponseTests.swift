import Testing

@testable import StargateCore

/// What a server says: the response, or the status of the refusal.
struct Answer: Equatable {
    var text = ""
    var refusal: UInt16?
}

extension TestHead {
    /// Accepts the request and writes the response.
    func respond(
        isSecure: Bool = false,
        subprotocol: String? = nil,
        extensions: String? = nil,
        headers: [(String, String)] = [],
        room: Int = 16_384
    ) -> Answer {
        decide(.all, isSecure: isSecure) { decision in
            guard case .accept(let handshake) = decision else { return Answer() }
            var answer = Answer()
            let bytes = written(size: room) { writer in
                do {
                    let refusal = handshake.encodeResponse(
                        subprotocol: subprotocol,
                        offered: try handshake.offeredSubprotocols(),
                        extensions: extensions,
                        headers: headers,
                        into: &writer
                    )
                    answer.refusal = refusal?.status.code
                } catch {
                    answer.refusal = (error as? HandshakeRefusal)?.status.code
                }
            }
            answer.text = String(decoding: bytes ?? [], as: UTF8.self)
            return answer
        }
    }
}

@Suite struct HandshakeResponseTests {
    @Test(arguments: ["13", "8", "7"])
    func hybi(_ version: String) {
        let head = upgrade([
            "Sec-WebSocket-Version: \(version)", sampleKey,
            "Sec-WebSocket-Protocol: chat, superchat",
        ])
        #expect(
            head.respond().text == """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                \r

                """
        )
        let full = head.respond(
            subprotocol: "superchat",
            extensions: "permessage-deflate",
            headers: [("Set-Cookie", "a=b"), ("X-Empty", "")]
        )
        #expect(
            full.text == """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                Sec-WebSocket-Protocol: superchat\r
                Sec-WebSocket-Extensions: permessage-deflate\r
                Set-Cookie: a=b\r
                X-Empty: \r
                \r

                """
        )
    }

    @Test func hixie75() {
        let head = upgrade(
            ["Origin: http://example.com", "WebSocket-Protocol: a sample, really"],
            upgrade: "WebSocket"
        )
        let beginning = """
            HTTP/1.1 101 Web Socket Protocol Handshake\r
            Upgrade: WebSocket\r
            Connection: Upgrade\r
            WebSocket-Origin: http://example.com\r
            WebSocket-Location: ws://example.com/demo\r

            """
        #expect(head.respond().text == beginning + "\r\n")
        let full = head.respond(subprotocol: "a sample, really", headers: [("Set-Cookie", "a=b")])
        #expect(
            full.text == beginning
                + "WebSocket-Protocol: a sample, really\r\nSet-Cookie: a=b\r\n\r\n"
        )
    }

    @Test func hixie76() {
        let head = upgrade(
            [
                sampleKey1, sampleKey2, "Origin: http://example.com",
                "Sec-WebSocket-Protocol: sample",
            ]
        )
        let beginning = """
            HTTP/1.1 101 WebSocket Protocol Handshake\r
            Upgrade: WebSocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Origin: http://example.com\r
            Sec-WebSocket-Location: ws://example.com/demo\r

            """
        #expect(head.respond().text == beginning + "\r\n")
        #expect(
            head.respond(subprotocol: "sample").text == beginning
                + "Sec-WebSocket-Protocol: sample\r\n\r\n"
        )
        // The hixie drafts have no extensions, whoever believes it.
        #expect(head.respond(extensions: "x").text == beginning + "\r\n")
    }

    @Test func hixie76WithoutOrigin() {
        let text = upgrade([sampleKey1, sampleKey2]).respond().text
        #expect(text.contains("\r\nSec-WebSocket-Origin: null\r\n"))
    }

    @Test(arguments: [
        ("example.com", "/demo", false, "ws://example.com/demo"),
        ("EXAMPLE.com:80", "/Demo", false, "ws://example.com/Demo"),
        ("example.com:443", "/", false, "ws://example.com:443/"),
        ("example.com:443", "/", true, "wss://example.com/"),
        ("example.com:80", "/", true, "wss://example.com:80/"),
        ("localhost:9001", "/a%20b?c=d&e", false, "ws://localhost:9001/a%20b?c=d&e"),
        ("localhost:", "/", false, "ws://localhost/"),
        ("localhost:09001", "/", false, "ws://localhost:9001/"),
        ("[::1]:8080", "/x", true, "wss://[::1]:8080/x"),
        ("ignored", "http://Other.example:81/x?y", false, "ws://other.example:81/x?y"),
        ("ignored", "ws://other", false, "ws://other/"),
        ("ignored", "ws://other?q", false, "ws://other/?q"),
    ])
    func location(_ host: String, _ target: String, _ isSecure: Bool, _ location: String) {
        let origin = "Origin: http://a"
        let old = upgrade([origin], target: target, upgrade: "WebSocket", host: host)
        #expect(
            old.respond(isSecure: isSecure).text
                .hasSuffix("\r\nWebSocket-Location: \(location)\r\n\r\n")
        )
        let new = upgrade([origin, sampleKey1, sampleKey2], target: target, host: host)
        #expect(
            new.respond(isSecure: isSecure).text
                .hasSuffix("\r\nSec-WebSocket-Location: \(location)\r\n\r\n")
        )
    }

    @Test(arguments: [
        ("X", "a\r\nb"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}b"), ("X", "\u{7F}"),
        ("X\r\nY", "a"), ("X:", "a"), ("", "a"), ("X Y", "a"), ("é", "a"), ("Upgrade", "h2c"),
        ("connection", "close"), ("CONTENT-LENGTH", "1"), ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Accept", "x"), ("WebSocket-Location", "x"),
    ])
    func refusesFieldsThatWouldBreakTheResponse(_ name: String, _ value: String) {
        let head = upgrade(["Sec-WebSocket-Version: 13", sampleKey])
        #expect(head.respond(headers: [("X-Fine", "1"), (name, value)]) == Answer(refusal: 500))
    }

    @Test func refusesASubprotocolThatWasNotOffered() {
        let head = upgrade(["Sec-WebSocket-Version: 13", sampleKey, "Sec-WebSocket-Protocol: a, b"])
        #expect(head.respond(subprotocol: "b").refusal == nil)
        #expect(head.respond(subprotocol: "c") == Answer(refusal: 500))
        #expect(head.respond(subprotocol: "B") == Answer(refusal: 500))
        #expect(head.respond(subprotocol: "a, b") == Answer(refusal: 500))
        #expect(head.respond(subprotocol: "") == Answer(refusal: 500))
    }

    @Test func neverWritesPartOfAResponse() {
        let head = upgrade(["Sec-WebSocket-Version: 13", sampleKey])
        let size = head.respond().text.utf8.count
        for room in 0..<size {
            #expect(head.respond(room: room) == Answer(refusal: 500))
        }
        #expect(head.respond(room: size).refusal == nil)
    }

    @Test func keepsWhatWasWrittenBefore() {
        let bytes = written(size: 40) { writer in
            writer.append(constant: "before")
            upgrade(["Sec-WebSocket-Version: 13", sampleKey]).decide { decision in
                guard case .accept(let handshake) = decision else { return }
                let refusal = handshake.encodeResponse(
                    subprotocol: nil,
                    offered: [],
                    extensions: nil,
                    headers: [],
                    into: &writer
                )
                #expect(refusal?.status == .internalServerError)
            }
        }
        #expect(bytes == Array("before".utf8))
    }
}
