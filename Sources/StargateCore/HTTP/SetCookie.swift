// A cookie on its way to a browser. What goes into it often comes from outside, so it is written
// in a way that neither ends the line nor begins another attribute.

/// A cookie for the client to keep: the value of one `Set-Cookie` field. RFC 6265 section 4.1.
///
///     .accept(cookies: [SetCookie("session", token, maxAge: .seconds(3600))]) { Chat() }
///
/// The defaults are those of a cookie for a session: pages cannot read it, other sites do not send
/// it along, and it goes when the browser does. Set ``isSecure`` wherever there is TLS.
public struct SetCookie: Sendable, Hashable {
    /// When a browser sends a cookie with a request that another site began.
    public enum SameSite: String, Sendable {
        /// Never.
        case strict = "Strict"
        /// Only when the visitor follows a link.
        case lax = "Lax"
        /// Always; browsers then demand ``SetCookie/isSecure``.
        case none = "None"
    }

    /// The name: letters, digits and the other bytes of a token.
    public var name: String
    /// The value. Bytes that no cookie may hold (blanks, quotes, commas, semicolons, backslashes,
    /// control bytes, and what is not ASCII) are sent as percent escapes, and so is `%` itself;
    /// `Cookies.decoded` gives the same value back.
    public var value: String
    /// Which paths it is sent back to; nil for those beside the one that set it.
    public var path: String?
    /// Which hosts it is sent back to; nil for this one only.
    public var domain: String?
    /// How long it is kept: in whole seconds, and zero or less removes it. Nil for as long as the
    /// browser runs.
    public var maxAge: Duration?
    /// Whether it is sent over TLS only.
    public var isSecure: Bool
    /// Whether scripts of a page cannot see it.
    public var isHTTPOnly: Bool
    /// When it comes along with requests that another site began; nil leaves it to the browser.
    public var sameSite: SameSite?

    /// A cookie.
    ///
    /// - Parameters:
    ///   - name: a token; a cookie with another name cannot be sent.
    ///   - value: any text.
    ///   - path: `/`, or the start of the paths that it is for.
    ///   - domain: see ``domain``.
    ///   - maxAge: see ``maxAge``.
    ///   - isSecure: see ``isSecure``.
    ///   - isHTTPOnly: see ``isHTTPOnly``.
    ///   - sameSite: see ``sameSite``.
    public init(
        _ name: String,
        _ value: String,
        path: String? = "/",
        domain: String? = nil,
        maxAge: Duration? = nil,
        isSecure: Bool = false,
        isHTTPOnly: Bool = true,
        sameSite: SameSite? = .lax
    ) {
        self.name = name
        self.value = value
        self.path = path
        self.domain = domain
        self.maxAge = maxAge
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.sameSite = sameSite
    }

    /// A cookie that makes a browser forget the one it has. Path and domain must be those of that
    /// one.
    public static func removing(
        _ name: String,
        path: String? = "/",
        domain: String? = nil
    ) -> SetCookie {
        SetCookie(name, "", path: path, domain: domain, maxAge: .zero)
    }

    /// The value of the field; nil when the name is no token, or path or domain hold what would
    /// end the attribute.
    public var fieldValue: String? {
        guard !name.isEmpty, name.utf8.allSatisfy(HeadByte.isToken),
            Self.isAttribute(path), Self.isAttribute(domain)
        else { return nil }
        var text = "\(name)=\(Self.escaped(value))"
        if let path { text += "; Path=\(path)" }
        if let domain { text += "; Domain=\(domain)" }
        if let maxAge { text += "; Max-Age=\(max(0, maxAge.components.seconds))" }
        if isSecure { text += "; Secure" }
        if isHTTPOnly { text += "; HttpOnly" }
        if let sameSite { text += "; SameSite=\(sameSite.rawValue)" }
        return text
    }

    /// RFC 6265 section 4.1.1: any character but control bytes and the semicolon.
    private static func isAttribute(_ text: String?) -> Bool {
        guard let text else { return true }
        return text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ";") }
    }

    /// RFC 6265 section 4.1.1: `cookie-octet`; the percent sign is escaped to be unambiguous.
    private static func escaped(_ value: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.utf8.count)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\\"),
                UInt8(ascii: "%"), 0...0x20, 0x7F...:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(truncatingIfNeeded: byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Response {
    /// The response with a cookie for the client to keep. A cookie that cannot be sent, see
    /// ``SetCookie/fieldValue``, is left out.
    public func setting(_ cookie: SetCookie) -> Response {
        guard let value = cookie.fieldValue else { return self }
        var response = self
        response.headers.append((name: "Set-Cookie", value: value))
        return response
    }
}
