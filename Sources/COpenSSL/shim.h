#ifndef STARGATE_COPENSSL_H
#define STARGATE_COPENSSL_H

// The one-block digests of the handshake: the newer interface allocates a context for each.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/md5.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros that Swift does not see, as functions.

static inline int stargate_ssl_ctx_set_versions(SSL_CTX *context, int minimum, int maximum) {
    return SSL_CTX_set_min_proto_version(context, minimum) == 1 &&
           SSL_CTX_set_max_proto_version(context, maximum) == 1;
}

static inline void stargate_ssl_ctx_set_mode(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE);
    // A record with one read instead of two.
    SSL_CTX_set_read_ahead(context, 1);
}

// Whether buffers are kept between records. Those that are empty go at once when they are not.
static inline void stargate_ssl_keep_buffers(SSL *ssl, int keeps) {
    if (keeps) {
        SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    } else {
        SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
        SSL_free_buffers(ssl);
    }
}

static inline void stargate_ssl_ctx_set_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static inline uint64_t stargate_ssl_op_ignore_unexpected_eof(void) {
    return SSL_OP_IGNORE_UNEXPECTED_EOF;
}

static inline void stargate_ssl_ctx_set_server_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void stargate_ssl_ctx_set_client_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
}

static inline void stargate_ssl_ctx_set_server_name_callback(
    SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline int stargate_ssl_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

static inline int stargate_ssl_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

static inline int stargate_ssl_set_app_data(SSL *ssl, void *data) {
    return SSL_set_ex_data(ssl, 0, data);
}

static inline void *stargate_ssl_app_data(const SSL *ssl) { return SSL_get_ex_data(ssl, 0); }

static inline X509 *stargate_ssl_peer_certificate(const SSL *ssl) {
    return SSL_get1_peer_certificate(ssl);
}

static inline void stargate_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void stargate_bio_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void stargate_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// The elements of a certificate's list of names; the stack macros are for C only.

static inline int stargate_names_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

static inline const GENERAL_NAME *stargate_names_at(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}

static inline GENERAL_NAMES *stargate_subject_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline void stargate_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

static inline void stargate_verify_param_strict_wildcards(SSL *ssl) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
}

static inline unsigned long stargate_name_flags(void) { return XN_FLAG_RFC2253; }

static inline int stargate_err_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int stargate_err_reason(unsigned long code) { return ERR_GET_REASON(code); }

#endif
