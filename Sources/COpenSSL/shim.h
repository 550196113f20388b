#ifndef STARGATE_COPENSSL_H
#define STARGATE_COPENSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#endif
