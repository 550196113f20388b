/* The floor of everything that is built on libuv, as Stargate is. See floor.h for what it leaves
 * out. */
#include <strings.h>
#include <uv.h>

#include "floor.h"

struct client {
    uv_tcp_t tcp;
    struct peer peer;
    uv_write_t write;
    bool is_writing;
};

static char buffer[READ_SIZE + SLACK];

static void closed(uv_handle_t *handle) {
    struct client *client = (struct client *)handle;
    free_peer(&client->peer);
    free(client);
}

static void end(struct client *client) {
    if (!uv_is_closing((uv_handle_t *)client)) uv_close((uv_handle_t *)client, closed);
}

static void write_queue(struct client *client);

static void written(uv_write_t *request, int status) {
    struct client *client = (struct client *)request->handle;
    struct peer *peer = &client->peer;
    client->is_writing = false;
    free(request->data);
    if (status) return end(client);
    if (peer->queue) write_queue(client);
}

/* Hands the queue over to libuv, which keeps it until the kernel has all of it. */
static void write_queue(struct client *client) {
    struct peer *peer = &client->peer;
    uv_buf_t bytes = uv_buf_init((char *)peer->queue, (unsigned)peer->queue_length);
    client->write.data = peer->queue;
    peer->queue = NULL;
    peer->queue_offset = peer->queue_length = 0;
    client->is_writing = true;
    uv_write(&client->write, (uv_stream_t *)client, &bytes, 1, written);
}

static void transmit(struct client *client, uint8_t *bytes, size_t length) {
    int sent = 0;
    if (length == 0) return;
    if (!client->is_writing) {
        uv_buf_t piece = uv_buf_init((char *)bytes, (unsigned)length);
        sent = uv_try_write((uv_stream_t *)client, &piece, 1);
        if (sent == (int)length) return;
        if (sent < 0 && sent != UV_EAGAIN) return end(client);
        if (sent < 0) sent = 0;
    }
    if (!enqueue(&client->peer, bytes + sent, length - (size_t)sent)) return end(client);
    if (!client->is_writing) write_queue(client);
}

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *room) {
    (void)size;
    struct peer *peer = &((struct client *)handle)->peer;
    *room = peer->rest ? uv_buf_init((char *)peer->rest + peer->rest_length,
                                     (unsigned)(peer->rest_capacity - SLACK - peer->rest_length))
                       : uv_buf_init(buffer, READ_SIZE);
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *room) {
    struct client *client = (struct client *)stream;
    struct peer *peer = &client->peer;
    if (count < 0) return end(client);
    if (count == 0) return;
    uint8_t *bytes = peer->rest ? peer->rest : (uint8_t *)room->base;
    size_t length = peer->rest_length + (size_t)count;
    if (!peer->is_open) {
        char response[256];
        if (length < 4 || memcmp(bytes + length - 4, "\r\n\r\n", 4)) {
            if (length > 16384 || !keep_rest(peer, bytes, length, 0)) end(client);
            return;
        }
        size_t size = write_handshake((const char *)bytes, length, response);
        peer->is_open = true;
        if (size == 0) return end(client);
        transmit(client, (uint8_t *)response, size);
        keep_rest(peer, bytes, 0, 0);
        return;
    }
    struct answer answer = answer_frames(bytes, length);
    transmit(client, bytes, answer.length);
    if (answer.is_last ||
        !keep_rest(peer, bytes + answer.consumed, length - answer.consumed, answer.wanted))
        end(client);
}

static void connected(uv_stream_t *listener, int status) {
    if (status) return;
    struct client *client = calloc(1, sizeof *client);
    uv_tcp_init(listener->loop, &client->tcp);
    if (uv_accept(listener, (uv_stream_t *)client)) return end(client);
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start((uv_stream_t *)client, allocate, received);
}

int main(int argc, char **argv) {
    struct options options = parse_options(argc, argv);
    refuse(options.certificate, "TLS");
    refuse(options.deflate, "compression");
    refuse(options.broadcast, "broadcast");
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in address;
    uv_tcp_t listener;
    uv_ip4_addr("127.0.0.1", options.port, &address);
    uv_tcp_init(loop, &listener);
    int status = uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
    if (!status) status = uv_listen((uv_stream_t *)&listener, 4096, connected);
    if (status) {
        fprintf(stderr, "listen: %s\n", uv_strerror(status));
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
