import Testing

@testable import StargateCore

@Suite struct AcceptKeyTests {
    @Test(arguments: [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ])
    func answersTheKey(_ key: String, _ accept: String) {
        #expect(withBytes(key) { AcceptKey.isValidKey($0) })
        #expect(
            withBytes(key) { key in writtenText { AcceptKey.append(for: key, to: &$0) } } == accept
        )
    }

    @Test(arguments: [
        "", "AAAA", "AAAAAAAAAAAAAAAAAAAAA===", "AAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB==", "AAAAAAAAAAAAAAAAAAAAA/==",
        "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA===",
        "AAAAAAAAAA-AAAAAAAAAAA==", "AAAAAAAAAA_AAAAAAAAAAA==", "AAAAAAAAAA AAAAAAAAAAA==",
        "=AAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAé==", "AAAAAAAAAAAAAAAAAAAA\u{0}A==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA",
    ])
    func refusesWhatIsNotBase64OfSixteenBytes(_ key: String) {
        #expect(!withBytes(key) { AcceptKey.isValidKey($0) })
    }

    @Test func acceptsEveryLastDigitWithoutStrayBits() {
        let accepted = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".filter {
            let key = String(repeating: "A", count: 21) + String($0) + "=="
            return withBytes(key) { AcceptKey.isValidKey($0) }
        }
        #expect(accepted == "AQgw")
    }

    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func writesBase64(_ text: String, _ encoded: String) {
        #expect(
            withBytes(text) { bytes in writtenText { Base64.append(bytes, to: &$0) } } == encoded
        )
    }

    @Test func writesNothingWhereThereIsNoRoom() {
        let result = written(size: 27) { writer in
            withBytes("dGhlIHNhbXBsZSBub25jZQ==") { AcceptKey.append(for: $0, to: &writer) }
            #expect(writer.count == 0)
        }
        #expect(result == nil)
    }
}
