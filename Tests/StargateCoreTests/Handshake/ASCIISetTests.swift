import Testing

@testable import StargateCore

@Suite struct ASCIISetTests {
    private static let word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    private func characters(_ set: ASCIISet) -> Set<UInt8> {
        Set((0...255 as ClosedRange<UInt8>).filter { set.contains($0) })
    }

    @Test func holdWhatTheirNamesSay() {
        #expect(characters(WireByte.hostBytes) == Set((Self.word + "!$%&'()*+,-.;=_~").utf8))
        #expect(characters(WireByte.tokenBytes) == Set((Self.word + "!#$%&'*+-.^_`|~").utf8))
    }
}
