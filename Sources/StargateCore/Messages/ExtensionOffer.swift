/// One extension that a client offers, or that a server accepted. RFC 6455 section 9.1.
struct ExtensionOffer: Sendable {
    let name: String
    /// In the order sent. A quoted value stands here without its quotes.
    let parameters: [(name: String, value: String?)]
}
