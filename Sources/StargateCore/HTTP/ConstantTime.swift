/// Comparisons of secrets that tell nobody by their duration how much of a guess was right.
///
///     guard ConstantTime.areEqual(request.headers["X-Token"] ?? "", secret) else {
///         return .reject(.unauthorized)
///     }
///
/// A comparison with `==` ends at the first difference, and who measures it often enough finds a
/// token byte by byte.
public enum ConstantTime {
    /// Whether both texts have the same bytes.
    ///
    /// - Parameters:
    ///   - candidate: what came from outside. Its length, and nothing else, decides the duration.
    ///   - secret: what it should be.
    /// - Returns: true when they are the same.
    public static func areEqual(_ candidate: String, _ secret: String) -> Bool {
        areEqual(Array(candidate.utf8), Array(secret.utf8))
    }

    /// Whether both hold the same bytes.
    ///
    /// - Parameters:
    ///   - candidate: what came from outside. Its length, and nothing else, decides the duration.
    ///   - secret: what it should be.
    /// - Returns: true when they are the same.
    public static func areEqual(_ candidate: [UInt8], _ secret: [UInt8]) -> Bool {
        var difference: UInt8 = candidate.count == secret.count ? 0 : 1
        // A secret of another length is not looked at: the same steps are taken without it.
        let other = difference == 0 ? secret : candidate
        for index in candidate.indices { difference |= candidate[index] ^ other[index] }
        return difference == 0
    }
}
