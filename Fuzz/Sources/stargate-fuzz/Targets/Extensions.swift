@testable import StargateCore

/// The grammar of Sec-WebSocket-Extensions, and the negotiation of permessage-deflate between any
/// client and any server of ours.
func fuzzExtensions(_ input: consuming FuzzInput) {
    let server = options(&input)
    let client = options(&input)
    negotiate(server, client)

    let bytes = input.rest()
    guard let offers = parse(Array(bytes)) else { return }
    require(offers.count <= Extensions.offerCountMax, "too many offers")
    for offer in offers {
        require(isToken(offer.name), "the name of an extension")
        require(offer.parameters.count <= Extensions.parameterCountMax, "too many parameters")
        for (name, value) in offer.parameters {
            require(isToken(name) && value.map(isToken) != false, "a parameter")
        }
    }
    // Written in the simplest way and read again, it is the same.
    let written = offers.map(write).joined(separator: ", ")
    requireEqual(parse(Array(written.utf8))?.map(write), offers.map(write), "read again")

    guard let agreement = server.accept(offers) else { return }
    guard let answer = parse(Array(agreement.answer.utf8))?.first else {
        return require(false, "the answer is malformed: \(agreement.answer)")
    }
    require(PerMessageDeflateElement(answer) != nil, "the answer is invalid: \(agreement.answer)")
    require((9...15).contains(agreement.parameters.fromServer.windowBits), "the server's window")
    require((8...15).contains(agreement.parameters.fromClient.windowBits), "the client's window")
}

/// What our server answers to our client, our client accepts, and both mean the same by it.
private func negotiate(_ server: PerMessageDeflate, _ client: PerMessageDeflate) {
    guard let offers = parse(Array(client.offer.utf8)) else {
        return require(false, "the offer is malformed: \(client.offer)")
    }
    guard let agreement = server.accept(offers) else {
        return require(false, "our offer was declined: \(client.offer)")
    }
    guard let answer = parse(Array(agreement.answer.utf8))?.first,
        let agreed = client.check(answer)
    else { return require(false, "our answer was refused: \(agreement.answer)") }
    let fromServer = agreement.parameters.fromServer
    let fromClient = agreement.parameters.fromClient
    // Who receives must expect at least what the other may send.
    require(agreed.fromServer.windowBits >= fromServer.windowBits, "the server's window")
    require(fromClient.windowBits >= agreed.fromClient.windowBits, "the client's window")
    require(
        agreed.fromServer.hasContextTakeover || !fromServer.hasContextTakeover,
        "the server refers to what the client forgot"
    )
    require(
        fromClient.hasContextTakeover || !agreed.fromClient.hasContextTakeover,
        "the client refers to what the server forgot"
    )
}

private func options(_ input: inout FuzzInput) -> PerMessageDeflate {
    let flags = input.byte()
    return PerMessageDeflate(
        serverMaxWindowBits: input.number(in: 9...15),
        clientMaxWindowBits: input.number(in: 9...15),
        serverNoContextTakeover: flags & 1 != 0,
        clientNoContextTakeover: flags & 2 != 0
    )
}

private func parse(_ bytes: [UInt8]) -> [ExtensionOffer]? {
    bytes.withUnsafeBytes { try? Extensions.parse(ByteView($0)) }
}

private func write(_ offer: ExtensionOffer) -> String {
    var text = offer.name
    for (name, value) in offer.parameters {
        text += ";" + name + (value.map { "=" + $0 } ?? "")
    }
    return text
}

private func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
        }
}
