/* The command line that every server in this folder takes:
 *
 *     SERVER PORT [--tls CERTIFICATE KEY] [--deflate | --dedicated] [--broadcast]
 *
 * --deflate compresses each message by itself, --dedicated with a context for each connection.
 * A server that has no such feature exits with status 64, and the comparison leaves it out. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNSUPPORTED = 64 };

struct options {
    int port;
    const char *certificate, *key;
    bool deflate, dedicated, broadcast;
};

static inline struct options parse_options(int argc, char **argv) {
    struct options options;
    memset(&options, 0, sizeof options);
    if (argc > 1) options.port = atoi(argv[1]);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--tls") && i + 2 < argc) {
            options.certificate = argv[++i];
            options.key = argv[++i];
        } else if (!strcmp(argv[i], "--deflate")) {
            options.deflate = true;
        } else if (!strcmp(argv[i], "--dedicated")) {
            options.deflate = options.dedicated = true;
        } else if (!strcmp(argv[i], "--broadcast")) {
            options.broadcast = true;
        } else {
            options.port = 0;
        }
    }
    if (options.port <= 0 || options.port > 65535) {
        fprintf(stderr, "usage: %s PORT [--tls CERTIFICATE KEY] [--deflate | --dedicated] "
                        "[--broadcast]\n", argv[0]);
        exit(2);
    }
    return options;
}

static inline void refuse(bool wanted, const char *what) {
    if (!wanted) return;
    fprintf(stderr, "this server has no %s\n", what);
    exit(UNSUPPORTED);
}

#endif
