internal import COpenSSL

/// The algorithms of OpenSSL, listed before there is a client.
///
/// OpenSSL lists those of a kind when it looks for the first one. If memory runs out while it does,
/// it never tries again, and every handshake fails from then on. THREATS 100.
enum TLSAlgorithms {
    /// Looks for one of each kind that a handshake needs, once. Whether there is just that one does
    /// not matter: a library that is restricted has others.
    static let list: Void = {
        let kdf = unsafe EVP_KDF_fetch(nil, "HKDF", nil)
        let digest = unsafe EVP_MD_fetch(nil, "SHA256", nil)
        let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
        let mac = unsafe EVP_MAC_fetch(nil, "HMAC", nil)
        let exchange = unsafe EVP_KEYEXCH_fetch(nil, "X25519", nil)
        let keys = unsafe EVP_KEYMGMT_fetch(nil, "X25519", nil)
        let signature = unsafe EVP_SIGNATURE_fetch(nil, "ECDSA", nil)
        unsafe EVP_KDF_free(kdf)
        unsafe EVP_MD_free(digest)
        unsafe EVP_CIPHER_free(cipher)
        unsafe EVP_MAC_free(mac)
        unsafe EVP_KEYEXCH_free(exchange)
        unsafe EVP_KEYMGMT_free(keys)
        unsafe EVP_SIGNATURE_free(signature)
        // Those that were not there are not an error of whoever looks at the list next.
        ERR_clear_error()
    }()
}
