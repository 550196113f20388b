/* libwebsockets, on its libuv event loop. Its rule is that data is written when the connection says
 * that it is writable: what arrives is queued, and a turn writes until the pipe is full. */
#include <libwebsockets.h>
#include <signal.h>

#include "options.h"

enum { SERVICE_BUFFER = 256 << 10, QUEUE_LIMIT = 4 << 20 };

/* A piece of a message, shared by all who are to get it. */
struct piece {
    int users;
    enum lws_write_protocol flags;
    size_t length;
    unsigned char bytes[];      /* LWS_PRE bytes of room first */
};

struct link {
    struct link *next;
    struct piece *piece;
};

struct session {
    struct lws *wsi;
    struct session *next;
    struct link *first, *last;
    size_t queued;
    bool is_paused;
};

static struct options options;
static struct session *sessions;

static void append(struct session *session, struct piece *piece) {
    struct link *link = malloc(sizeof *link);
    *link = (struct link){.piece = piece};
    piece->users++;
    if (session->last) session->last->next = link;
    else session->first = link;
    session->last = link;
    session->queued += piece->length;
    if (!session->is_paused && session->queued > QUEUE_LIMIT) {
        session->is_paused = true;
        lws_rx_flow_control(session->wsi, 0);
    }
    lws_callback_on_writable(session->wsi);
}

static void remove_first(struct session *session) {
    struct link *link = session->first;
    session->first = link->next;
    if (!link->next) session->last = NULL;
    session->queued -= link->piece->length;
    if (--link->piece->users == 0) free(link->piece);
    free(link);
}

static void received(struct lws *wsi, struct session *session, const void *bytes, size_t length) {
    struct piece *piece = malloc(sizeof *piece + LWS_PRE + length);
    bool is_first = lws_is_first_fragment(wsi), is_last = lws_is_final_fragment(wsi);
    piece->users = 0;
    piece->length = length;
    piece->flags = lws_write_ws_flags(
        lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT, is_first, is_last);
    memcpy(piece->bytes + LWS_PRE, bytes, length);
    if (!options.broadcast) return append(session, piece);
    for (struct session *other = sessions; other; other = other->next) append(other, piece);
}

static bool write_queue(struct lws *wsi, struct session *session) {
    while (session->first && !lws_send_pipe_choked(wsi)) {
        struct piece *piece = session->first->piece;
        if (piece->users == 1) {
            if (lws_write(wsi, piece->bytes + LWS_PRE, piece->length, piece->flags) < 0) return false;
        } else {
            /* The header goes before the payload, so what is shared has to be copied. */
            static unsigned char copy[LWS_PRE + SERVICE_BUFFER];
            memcpy(copy + LWS_PRE, piece->bytes + LWS_PRE, piece->length);
            if (lws_write(wsi, copy + LWS_PRE, piece->length, piece->flags) < 0) return false;
        }
        remove_first(session);
    }
    if (session->first) lws_callback_on_writable(wsi);
    if (session->is_paused && session->queued < QUEUE_LIMIT / 2) {
        session->is_paused = false;
        lws_rx_flow_control(wsi, 1);
    }
    return true;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes,
                    size_t length) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *session = (struct session){.wsi = wsi, .next = sessions};
        sessions = session;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        received(wsi, session, bytes, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_queue(wsi, session) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
        while (session->first) remove_first(session);
        for (struct session **at = &sessions; *at; at = &(*at)->next)
            if (*at == session) {
                *at = session->next;
                break;
            }
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {"echo", callback, sizeof(struct session), SERVICE_BUFFER, 0, NULL, 0},
    {0},
};

/* Whether contexts last follows from what the client offers. */
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
    {0},
};

static struct lws_context *context;

static void stop(int signal) {
    (void)signal;
    _exit(0);
}

int main(int argc, char **argv) {
    options = parse_options(argc, argv);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = options.port,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .extensions = options.deflate ? extensions : NULL,
        .pt_serv_buf_size = SERVICE_BUFFER,
        .ssl_cert_filepath = options.certificate,
        .ssl_private_key_filepath = options.key,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_DISABLE_IPV6 |
                   (options.certificate ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
    };
    context = lws_create_context(&info);
    if (!context) {
        fprintf(stderr, "no context: is the port free, and libwebsockets-evlib-uv installed?\n");
        return 1;
    }
    signal(SIGTERM, stop);  /* after its own handlers */
    while (lws_service(context, 0) >= 0) {}
    return 0;
}
