#ifndef STARGATE_COPENSSL_H
#define STARGATE_COPENSSL_H

// The one-block digests of the handshake: the newer interface allocates a context for each.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#endif
