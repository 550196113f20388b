internal import COpenSSL

/// Why TLS could not be set up, or why a TLS connection failed.
public struct TLSError: Error, Sendable, CustomStringConvertible {
    /// The kinds of reasons a program may want to tell apart.
    public enum Kind: Sendable, Equatable {
        /// A file with a certificate, a key or authorities cannot be read, or is not PEM, or the key
        /// is that of another certificate.
        case badCertificateFile
        /// The peer's certificate is past its end, or before its beginning.
        case certificateExpired
        /// The peer's certificate is for another name.
        case hostnameMismatch
        /// Nobody who is trusted vouches for the peer's certificate.
        case untrustedCertificate
        /// The peer has no certificate, where one is required.
        case certificateRequired
        /// The peer refused with this alert: the number of RFC 8446 section 6.
        case alert(Int)
        /// The stream ended without a close_notify: bytes may be missing. RFC 8446 section 6.1.
        case truncated
        /// What the peer sent is no TLS, no version or cipher in common, or broken on the way.
        case protocolViolation
        /// OpenSSL has no memory, or refuses for a reason of its own.
        case library
    }

    /// What kind of reason it is.
    public let kind: Kind
    /// A sentence for people, with OpenSSL's own words.
    public let description: String

    static let truncated = TLSError(
        .truncated,
        "the TLS connection was cut without a close_notify"
    )

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

extension TLSError {
    /// What OpenSSL's queue of errors holds, oldest first; the queue is empty afterwards.
    static func takeQueue() -> (text: String, firstCode: UInt) {
        var words: [String] = []
        var firstCode: UInt = 0
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            if firstCode == 0 { firstCode = code }
            if words.count < 4, let reason = unsafe ERR_reason_error_string(code) {
                words.append(unsafe String(cString: reason))
            }
        }
        return (words.joined(separator: ", "), firstCode)
    }

    /// An error while something is set up, with what OpenSSL says about it.
    static func setUp(_ what: String, kind: Kind = .badCertificateFile) -> TLSError {
        let text = takeQueue().text
        return TLSError(kind, text.isEmpty ? what : "\(what): \(text)")
    }

    /// The error of a session whose handshake, read or write failed, from OpenSSL's queue and the
    /// verdict on the peer's certificate.
    static func ofSession(_ ssl: OpaquePointer, during stage: String) -> TLSError {
        let verdict = unsafe SSL_get_verify_result(ssl)
        let (text, code) = takeQueue()
        let reason = Int(truncatingIfNeeded: stargate_err_reason(code))
        let isOfTLS = stargate_err_library(code) == ERR_LIB_SSL
        if isOfTLS, reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
            let words = unsafe X509_verify_cert_error_string(verdict).map {
                unsafe String(cString: $0)
            }
            return TLSError(
                kind(ofVerdict: Int32(truncatingIfNeeded: verdict)),
                "the peer's certificate was not accepted: \(words ?? text)"
            )
        }
        if isOfTLS, reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            return TLSError(.certificateRequired, "the peer sent no certificate")
        }
        if isOfTLS, reason > SSL_AD_REASON_OFFSET, reason < SSL_AD_REASON_OFFSET &+ 256 {
            let alert = reason &- Int(truncatingIfNeeded: SSL_AD_REASON_OFFSET)
            return TLSError(.alert(alert), "the peer refused during the \(stage): \(text)")
        }
        if reason == ERR_R_MALLOC_FAILURE {
            return TLSError(.library, "the \(stage) failed: \(text)")
        }
        let words = text.isEmpty ? "the peer broke the protocol" : text
        return TLSError(.protocolViolation, "the \(stage) failed: \(words)")
    }

    private static func kind(ofVerdict verdict: Int32) -> Kind {
        switch verdict {
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .certificateExpired
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .hostnameMismatch
        default: .untrustedCertificate
        }
    }
}
