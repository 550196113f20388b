/* uWebSockets, from the shared library that PyPI's `socketify` carries: its own C interface, over
 * libuv. No Python runs here. The declarations below are ours, of the functions we call; the
 * library ships no header. */
#include <stdint.h>

#include "options.h"

typedef struct App App;
typedef struct Socket Socket;
typedef struct Listener Listener;

enum opcode { TEXT = 1, BINARY = 2 };

typedef struct {
    const char *key, *certificate, *passphrase, *dh_parameters, *ca, *ciphers;
    int prefers_low_memory;
} ContextOptions;

typedef struct {
    int port;
    const char *host;
    int options;
} ListenOptions;

typedef struct {
    int compression;
    unsigned maxPayloadLength;
    unsigned short idleTimeout;
    unsigned maxBackpressure;
    bool closeOnBackpressureLimit, resetIdleTimeoutOnSend, sendPingsAutomatically;
    unsigned short maxLifetime;
    void (*upgrade)(void *, void *, void *, void *);
    void (*open)(Socket *, void *);
    void (*message)(Socket *, const char *, size_t, enum opcode, void *);
    void (*drain)(Socket *, void *);
    void (*ping)(Socket *, const char *, size_t, void *);
    void (*pong)(Socket *, const char *, size_t, void *);
    void (*close)(Socket *, int, const char *, size_t, void *);
    void (*subscription)(Socket *, const char *, size_t, int, int, void *);
} Behavior;

App *uws_create_app(int tls, ContextOptions options);
void uws_ws(int tls, App *app, const char *pattern, Behavior behavior, void *data);
void uws_app_listen_with_config(int tls, App *app, ListenOptions options,
                                void (*done)(Listener *, ListenOptions, void *), void *data);
void uws_app_run(int tls, App *app);
bool uws_constructor_failed(int tls, App *app);
int uws_ws_send_with_options(int tls, Socket *socket, const char *bytes, size_t length,
                             enum opcode opcode, bool compress, bool fin);
bool uws_ws_subscribe(int tls, Socket *socket, const char *topic, size_t length);
bool uws_publish(int tls, App *app, const char *topic, size_t topic_length, const char *bytes,
                 size_t length, enum opcode opcode, bool compress);

static struct options options;
static App *app;
static int tls;

static void echo(Socket *socket, const char *bytes, size_t length, enum opcode opcode, void *data) {
    (void)data;
    uws_ws_send_with_options(tls, socket, bytes, length, opcode, options.deflate, true);
}

static void subscribe(Socket *socket, void *data) {
    (void)data;
    uws_ws_subscribe(tls, socket, "all", 3);
}

static void publish(Socket *socket, const char *bytes, size_t length, enum opcode opcode,
                    void *data) {
    (void)socket, (void)data;
    uws_publish(tls, app, "all", 3, bytes, length, opcode, options.deflate);
}

static void ignore(Socket *socket, void *data) { (void)socket, (void)data; }

static void closed(Socket *socket, int code, const char *reason, size_t length, void *data) {
    (void)socket, (void)code, (void)reason, (void)length, (void)data;
}

static void listening(Listener *listener, ListenOptions where, void *data) {
    (void)data;
    if (listener) return;
    fprintf(stderr, "cannot listen on port %d\n", where.port);
    exit(1);
}

int main(int argc, char **argv) {
    options = parse_options(argc, argv);
    tls = options.certificate != NULL;
    ContextOptions context = {.key = options.key, .certificate = options.certificate};
    app = uws_create_app(tls, context);
    if (!app || uws_constructor_failed(tls, app)) {
        fprintf(stderr, "the library made no app\n");
        return 1;
    }
    /* Its numbers for SHARED_COMPRESSOR | SHARED_DECOMPRESSOR, which its author recommends for
     * speed, and for DEDICATED_COMPRESSOR_32KB | DEDICATED_DECOMPRESSOR_4KB: windows of 4 KiB. */
    int compression = options.dedicated ? (12 << 4 | 5) | 12 << 8 : options.deflate ? 1 | 1 << 8 : 0;
    Behavior behavior = {.compression = compression,
                         .maxPayloadLength = 64 << 20,
                         .idleTimeout = 120,
                         .maxBackpressure = 64 << 20,
                         .sendPingsAutomatically = true,
                         .open = options.broadcast ? subscribe : ignore,
                         .message = options.broadcast ? publish : echo,
                         .close = closed};
    uws_ws(tls, app, "/*", behavior, NULL);
    ListenOptions where = {.port = options.port, .host = "127.0.0.1"};
    uws_app_listen_with_config(tls, app, where, listening, NULL);
    uws_app_run(tls, app);
    return 0;
}
