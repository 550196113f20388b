// Fixed files: a page, its script, a picture. They are in memory, made once, and each has a tag by
// which a browser finds out that it has the file already.

extension Response {
    /// A file that does not change while the server runs. Make it once, outside of the closure of
    /// its route, and return it there: browsers that have it get 304 and no body.
    ///
    ///     let script = Response.file(bytes, contentType: "text/javascript")
    ///     server.get("/chat.js") { _ in script }
    ///
    /// - Parameters:
    ///   - bytes: what is in it.
    ///   - contentType: its media type, with `; charset=utf-8` where it is text.
    ///   - cacheControl: how long browsers may keep it without asking. The default has them ask
    ///     each time, which costs them a round trip and no transfer.
    /// - Returns: the response, with its tag.
    public static func file(
        _ bytes: [UInt8],
        contentType: String,
        cacheControl: String = "no-cache"
    ) -> Response {
        var response = Response.bytes(bytes, contentType: contentType)
        response.headers.append((name: "ETag", value: entityTag(of: bytes)))
        response.headers.append((name: "Cache-Control", value: cacheControl))
        return response
    }

    /// FNV-1a, 64 bits, beside the length: it tells versions of a file from each other. It is no
    /// protection from somebody who writes files to be mistaken for one another.
    private static func entityTag(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes {
            hash ^= UInt64(byte)
            hash = hash &* 0x0000_0100_0000_01B3
        }
        return "\"\(String(bytes.count, radix: 16))-\(String(hash, radix: 16))\""
    }

    /// Whether the client has this representation already: RFC 9110 section 13.1.2.
    func isKnown(to request: Request) -> Bool {
        guard status.code == 200, request.method == .get || request.method == .head else {
            return false
        }
        // Most requests are not conditional, and most responses have no tag.
        let known = request.headers.values(of: "If-None-Match")
        guard !known.isEmpty, let tag = entityTag else { return false }
        return known.contains { value in
            value.split(separator: ",").contains { candidate in
                let candidate = candidate.drop { $0 == " " || $0 == "\t" }
                    .prefix { $0 != " " && $0 != "\t" }
                return candidate == "*" || Self.opaquePart(candidate) == Self.opaquePart(tag[...])
            }
        }
    }

    /// RFC 9110 section 13.1.2 compares weakly: `W/` in front does not matter.
    private static func opaquePart(_ tag: Substring) -> Substring {
        tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
    }

    private var entityTag: String? {
        headers.first { $0.name.lowercased() == "etag" }?.value
    }

    /// 304, with the fields that RFC 9110 section 15.4.5 wants repeated.
    var notModified: Response {
        let repeated = [
            "etag", "cache-control", "content-location", "date", "expires", "vary", "set-cookie",
        ]
        return Response(
            status: .notModified,
            headers: headers.filter { repeated.contains($0.name.lowercased()) }
        )
    }
}
