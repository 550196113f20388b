// The part of the opening handshake that is about compression: what a server answers to the offers
// of a client, what a client offers, and whether it may live with the answer. RFC 7692 sections 5
// and 7.1. Names and values only: the header itself is split and written in Handshake.

extension PerMessageDeflate {
    /// The outcome of a negotiation: what holds, and how the server says so.
    struct Agreement: Equatable {
        var parameters: PerMessageDeflateParameters
        /// The element for the server's `Sec-WebSocket-Extensions` header.
        var answer: String
    }

    /// Picks the first offer that can be accepted; nil declines them all, which leaves the
    /// connection without compression.
    ///
    /// Elements of other extensions are passed over. An offer that is malformed or asks for what
    /// zlib cannot do is declined alone: the next may be the client's fallback.
    func accept(_ offers: [ExtensionOffer]) -> Agreement? {
        for offer in offers {
            guard let element = PerMessageDeflateElement(offer) else { continue }
            if let agreement = accept(element) { return agreement }
        }
        return nil
    }

    private func accept(_ offer: PerMessageDeflateElement) -> Agreement? {
        var parameters = PerMessageDeflateParameters()
        var answer = PerMessageDeflateElement.name

        // RFC 7692 7.1.1.1: what the client asks for must be granted; it may be given unasked.
        if offer.serverNoContextTakeover || serverNoContextTakeover {
            parameters.fromServer.hasContextTakeover = false
            answer += "; server_no_context_takeover"
        }
        // RFC 7692 7.1.1.2: a hint when offered; once in the answer, the client is bound to it.
        if offer.clientNoContextTakeover || clientNoContextTakeover {
            parameters.fromClient.hasContextTakeover = false
            answer += "; client_no_context_takeover"
        }

        // RFC 7692 7.1.2.1: the answer may be smaller than the offer. A smaller window needs no
        // announcement, so nothing is said to a client that did not ask.
        parameters.fromServer.windowBits = UInt8(clamping: serverMaxWindowBits)
        if case .value(let bits) = offer.serverMaxWindowBits {
            // zlib raises a window of 8 bits to 9, which would break the promise: decline.
            guard bits >= 9 else { return nil }
            parameters.fromServer.windowBits = min(bits, parameters.fromServer.windowBits)
            answer += "; server_max_window_bits=\(parameters.fromServer.windowBits)"
        }

        // RFC 7692 7.1.2.2: only a client that offered the parameter may see it in the answer.
        let wanted = UInt8(clamping: clientMaxWindowBits)
        switch offer.clientMaxWindowBits {
        case .absent:
            break
        case .withoutValue:
            parameters.fromClient.windowBits = wanted
        case .value(let bits):
            parameters.fromClient.windowBits = min(bits, wanted)
        }
        if parameters.fromClient.windowBits < 15 {
            answer += "; client_max_window_bits=\(parameters.fromClient.windowBits)"
        }
        return Agreement(parameters: parameters, answer: answer)
    }

    /// What a client writes into its `Sec-WebSocket-Extensions` header.
    var offer: String {
        var offer = PerMessageDeflateElement.name
        if serverNoContextTakeover { offer += "; server_no_context_takeover" }
        if clientNoContextTakeover { offer += "; client_no_context_takeover" }
        if serverMaxWindowBits < 15 { offer += "; server_max_window_bits=\(serverMaxWindowBits)" }
        // It says no more than that the answer may hold the parameter. Without a value: to use a
        // smaller window than was agreed needs nobody's leave, and some servers overlook the value.
        offer += "; client_max_window_bits"
        return offer
    }

    /// Checks a server's answer to ``offer``.
    ///
    /// - Parameter answer: the element that names this extension.
    /// - Returns: what holds now, or nil if the client must fail the connection: the answer is
    ///   malformed, does not fit the offer, or asks for a window that zlib cannot write.
    func check(_ answer: ExtensionOffer) -> PerMessageDeflateParameters? {
        guard let answer = PerMessageDeflateElement(answer) else { return nil }
        var parameters = PerMessageDeflateParameters()

        // RFC 7692 7.1.1.1: a server that accepts an offer grants this.
        if serverNoContextTakeover && !answer.serverNoContextTakeover { return nil }
        parameters.fromServer.hasContextTakeover = !answer.serverNoContextTakeover
        // Not to refer to earlier messages is this side's own affair, whatever the answer.
        parameters.fromClient.hasContextTakeover =
            !answer.clientNoContextTakeover && !clientNoContextTakeover

        switch answer.serverMaxWindowBits {
        case .absent:
            guard serverMaxWindowBits == 15 else { return nil }
        case .withoutValue:
            return nil
        case .value(let bits):
            guard bits <= serverMaxWindowBits else { return nil }
            parameters.fromServer.windowBits = bits
        }

        parameters.fromClient.windowBits = UInt8(clamping: clientMaxWindowBits)
        switch answer.clientMaxWindowBits {
        case .absent:
            break
        case .withoutValue:
            return nil
        case .value(let bits):
            guard bits >= 9 else { return nil }
            parameters.fromClient.windowBits = min(bits, parameters.fromClient.windowBits)
        }
        return parameters
    }
}
