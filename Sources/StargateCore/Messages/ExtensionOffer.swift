/// One element of a `Sec-WebSocket-Extensions` header: a name and its parameters, in order.
/// RFC 6455 section 9.1.
struct ExtensionOffer: Equatable {
    /// One parameter; `value` is nil where there is no `=`, and without its quotes otherwise.
    typealias Parameter = (name: String, value: String?)

    var name: String
    var parameters: [Parameter]

    /// Two offers are the same when their names and parameters are, the order included.
    static func == (left: ExtensionOffer, right: ExtensionOffer) -> Bool {
        left.name == right.name && left.parameters.elementsEqual(right.parameters, by: ==)
    }
}
