/* The floor on Linux: epoll, recv, send. See floor.h for what it leaves out. */
#define _GNU_SOURCE
#include <strings.h>
#include <sys/epoll.h>

#include "floor.h"

struct client {
    struct peer peer;
    int descriptor;
};

static uint8_t buffer[READ_SIZE + SLACK];

static void end(struct client *client) {
    close(client->descriptor);
    free_peer(&client->peer);
    free(client);
}

static void watch(int epoll, struct client *client, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(epoll, operation, client->descriptor, &event);
}

static bool transmit(int epoll, struct client *client, const uint8_t *bytes, size_t length) {
    struct peer *peer = &client->peer;
    ssize_t sent = 0;
    if (length == 0) return true;
    if (!peer->queue) {
        sent = send(client->descriptor, bytes, length, MSG_NOSIGNAL);
        if (sent == (ssize_t)length) return true;
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) sent = 0;
        watch(epoll, client, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    return enqueue(peer, bytes + sent, length - (size_t)sent);
}

static bool drain(int epoll, struct client *client) {
    struct peer *peer = &client->peer;
    if (!peer->queue) return true;
    ssize_t sent = send(client->descriptor, peer->queue + peer->queue_offset,
                        peer->queue_length - peer->queue_offset, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    peer->queue_offset += (size_t)sent;
    if (peer->queue_offset == peer->queue_length) {
        free(peer->queue);
        peer->queue = NULL;
        peer->queue_offset = peer->queue_length = 0;
        watch(epoll, client, EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
}

/* Sets `filled` when the kernel may have more than the room took. */
static bool receive(int epoll, struct client *client, bool *filled) {
    struct peer *peer = &client->peer;
    uint8_t *bytes = buffer;
    size_t start = 0, room = READ_SIZE;
    if (peer->rest) {
        bytes = peer->rest;
        start = peer->rest_length;
        room = peer->rest_capacity - SLACK - start;
    }
    ssize_t count = recv(client->descriptor, bytes + start, room, 0);
    *filled = count == (ssize_t)room;
    if (count <= 0) return count < 0 && errno == EAGAIN;
    size_t length = start + (size_t)count;
    if (!peer->is_open) {
        char response[256];
        if (length < 4 || memcmp(bytes + length - 4, "\r\n\r\n", 4))
            return length < 16384 && keep_rest(peer, bytes, length, 0);
        size_t size = write_handshake((const char *)bytes, length, response);
        peer->is_open = true;
        return size && transmit(epoll, client, (uint8_t *)response, size) &&
               keep_rest(peer, bytes, 0, 0);
    }
    struct answer answer = answer_frames(bytes, length);
    if (!transmit(epoll, client, bytes, answer.length) || answer.is_last) return false;
    return keep_rest(peer, bytes + answer.consumed, length - answer.consumed, answer.wanted);
}

static void accept_all(int epoll, int listener) {
    int one = 1;
    for (int i = 0; i < 64; i++) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        struct client *client = calloc(1, sizeof *client);
        client->descriptor = descriptor;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(epoll, client, EPOLLIN, EPOLL_CTL_ADD);
    }
}

int main(int argc, char **argv) {
    struct options options = parse_options(argc, argv);
    refuse(options.certificate, "TLS");
    refuse(options.deflate, "compression");
    refuse(options.broadcast, "broadcast");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("listen");
        return 1;
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[1024], event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (!client) {
                accept_all(epoll, listener);
                continue;
            }
            bool lives = true, filled = events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR);
            if (events[i].events & EPOLLOUT) lives = drain(epoll, client);
            for (int turn = 0; lives && filled && turn < 32; turn++)
                lives = receive(epoll, client, &filled);
            if (!lives) end(client);
        }
    }
}
