// Certificates for tests, made on the spot: an authority, and what it vouches for.

import COpenSSL
import Glibc

@testable import StargateCore

/// An authority whose certificate and key exist for one test.
final class TestAuthority {
    private let key: OpaquePointer
    private let certificate: OpaquePointer

    init(_ name: String = "Test Authority") throws {
        key = try Self.makeKey()
        certificate = try Self.make(
            name,
            key: key,
            issuer: nil,
            extensions: [(NID_basic_constraints, "critical,CA:TRUE")],
            validity: (-3600, 86_400)
        )
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    /// The authority's certificate in PEM.
    var pem: [UInt8] { Self.pem { PEM_write_bio_X509($0, certificate) } }

    var trust: TLSTrust { .pem(pem) }

    /// A certificate with its key. The alternatives are as OpenSSL's configuration has them, the
    /// validity counts in seconds from now.
    func issue(
        _ name: String,
        _ alternatives: String = "DNS:localhost,IP:127.0.0.1",
        validity: (Int, Int) = (-3600, 86_400)
    ) throws -> TLSCertificate {
        let key = try Self.makeKey()
        defer { EVP_PKEY_free(key) }
        let made = try Self.make(
            name,
            key: key,
            issuer: (certificate, self.key),
            extensions: [(NID_subject_alt_name, alternatives)],
            validity: validity
        )
        defer { X509_free(made) }
        return .pem(
            chain: Self.pem { PEM_write_bio_X509($0, made) },
            key: Self.pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        )
    }

    struct Failure: Error {}

    private static func makeKey() throws -> OpaquePointer {
        let maker = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
        defer { EVP_PKEY_CTX_free(maker) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(maker) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(maker, &key) == 1, let key
        else { throw Failure() }
        return key
    }

    private static func make(
        _ name: String,
        key: OpaquePointer,
        issuer: (certificate: OpaquePointer, key: OpaquePointer)?,
        extensions: [(Int32, String)],
        validity: (Int, Int)
    ) throws -> OpaquePointer {
        guard let made = X509_new() else { throw Failure() }
        X509_set_version(made, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(made), Int.random(in: 1...1 << 40))
        X509_gmtime_adj(X509_getm_notBefore(made), validity.0)
        X509_gmtime_adj(X509_getm_notAfter(made), validity.1)
        X509_set_pubkey(made, key)
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(made),
            "CN",
            0x1000 | 1,
            Array(name.utf8),
            Int32(name.utf8.count),
            -1,
            0
        )
        X509_set_issuer_name(made, X509_get_subject_name(issuer?.certificate ?? made))
        for (kind, value) in extensions {
            let made509 = X509V3_EXT_conf_nid(nil, nil, kind, value)
            X509_add_ext(made, made509, -1)
            X509_EXTENSION_free(made509)
        }
        guard X509_sign(made, issuer?.key ?? key, EVP_sha256()) > 0 else { throw Failure() }
        return made
    }

    private static func pem(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { return [] }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        return Array(bytes[..<max(0, Int(count))])
    }
}

/// A file that exists as long as this object.
final class TestFile {
    let path: String

    init(_ bytes: [UInt8]) {
        path = "/tmp/stargate-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        write(bytes)
    }

    func write(_ bytes: [UInt8]) {
        guard let file = fopen(path, "w") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    deinit { unlink(path) }
}

extension TLSCertificate.PEM {
    /// The text, wherever it lies in memory already.
    var text: [UInt8] { if case .bytes(let bytes) = self { bytes } else { [] } }
}
