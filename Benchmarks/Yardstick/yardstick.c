// What a load generator costs at least: one thread, one epoll set, frames made beforehand with random
// masking keys, every echo compared byte for byte, one send for the replies of one read, and a clock
// read and a bucket counted for each message. stargate-bench is held against it.
//
//   yardstick PORT CONNECTIONS DEPTH SIZE SECONDS
//
// Prints the messages and the CPU time of each in nanoseconds.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 4096, RECEIVE = 1 << 20, BUCKETS = 1 << 16 };

struct connection {
    int fd;
    uint32_t sent, received;
    size_t held;          // bytes of a frame that is not whole yet
    unsigned char *rest;  // those bytes
    uint64_t *departures;
};

static size_t size, header, outgoing;
static int depth;
static unsigned char *frames, *echoes, *receive, *batch;
static uint64_t histogram[BUCKETS], completed;

static uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static size_t put_header(unsigned char *at, int masked) {
    at[0] = 0x82;
    if (size < 126) {
        at[1] = (unsigned char)(size | (masked ? 0x80 : 0));
        return 2;
    }
    if (size < 65536) {
        at[1] = (unsigned char)(126 | (masked ? 0x80 : 0));
        at[2] = (unsigned char)(size >> 8);
        at[3] = (unsigned char)size;
        return 4;
    }
    at[1] = (unsigned char)(127 | (masked ? 0x80 : 0));
    for (int i = 0; i < 8; i++) at[2 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    return 10;
}

static void make_frames(void) {
    unsigned char probe[10];
    header = put_header(probe, 0);
    outgoing = header + 4 + size;
    frames = malloc(FRAMES * outgoing);
    echoes = malloc(FRAMES * (header + size));
    if (!frames || !echoes) die("malloc");
    srandom(1);
    for (int n = 0; n < FRAMES; n++) {
        unsigned char *frame = frames + (size_t)n * outgoing, *echo = echoes + (size_t)n * (header + size);
        put_header(frame, 1);
        put_header(echo, 0);
        unsigned char *key = frame + header;
        for (int i = 0; i < 4; i++) key[i] = (unsigned char)random();
        for (size_t i = 0; i < size; i++) {
            echo[header + i] = (unsigned char)random();
            key[4 + i] = echo[header + i] ^ key[i & 3];
        }
    }
}

static void send_frames(struct connection *c, int count, uint64_t moment) {
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        memcpy(batch + length, frames + (size_t)(c->sent % FRAMES) * outgoing, outgoing);
        c->departures[c->sent % (uint32_t)depth] = moment;
        c->sent++;
        length += outgoing;
    }
    for (size_t done = 0; done < length;) {
        ssize_t n = send(c->fd, batch + done, length - done, MSG_NOSIGNAL);
        if (n > 0) done += (size_t)n;
        else if (errno != EAGAIN) die("send");
    }
}

static void open_connection(struct connection *c, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const char *request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n\r\n";
    if (send(c->fd, request, strlen(request), 0) < 0) die("send");
    char answer[4096];
    size_t length = 0;
    while (length < 4 || memcmp(answer + length - 4, "\r\n\r\n", 4)) {
        ssize_t n = recv(c->fd, answer + length, 1, 0);
        if (n <= 0 || ++length == sizeof answer) die("handshake");
    }
    if (memcmp(answer, "HTTP/1.1 101", 12)) die("no 101");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->rest = malloc(header + size);
    c->departures = calloc((size_t)depth, sizeof *c->departures);
}

static void serve(struct connection *c) {
    memcpy(receive, c->rest, c->held);
    ssize_t n = recv(c->fd, receive + c->held, RECEIVE, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("recv");
    size_t length = c->held + (size_t)n, at = 0;
    int replies = 0;
    uint64_t moment = now(CLOCK_MONOTONIC);
    for (; length - at >= header + size; at += header + size) {
        if (memcmp(receive + at, echoes + (size_t)(c->received % FRAMES) * (header + size), header + size)) {
            fprintf(stderr, "a wrong echo\n");
            exit(1);
        }
        uint64_t time = (moment - c->departures[c->received % (uint32_t)depth]) >> 10;
        histogram[time < BUCKETS ? time : BUCKETS - 1]++;
        c->received++;
        completed++;
        replies++;
    }
    c->held = length - at;
    memcpy(c->rest, receive + at, c->held);
    if (replies) send_frames(c, replies, moment);
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: yardstick PORT CONNECTIONS DEPTH SIZE SECONDS\n"), 2;
    int count = atoi(argv[2]);
    depth = atoi(argv[3]);
    size = (size_t)atol(argv[4]);
    double seconds = atof(argv[5]);
    make_frames();
    receive = malloc(RECEIVE + header + size);
    batch = malloc((RECEIVE / (header + size) + (size_t)depth + 2) * outgoing);
    struct connection *all = calloc((size_t)count, sizeof *all);
    int set = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        open_connection(&all[i], atoi(argv[1]));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(set, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    for (int i = 0; i < count; i++) send_frames(&all[i], depth, now(CLOCK_MONOTONIC));
    uint64_t start = now(CLOCK_MONOTONIC), cpu = 0, from = 0;
    struct epoll_event events[1024];
    for (;;) {
        uint64_t elapsed = now(CLOCK_MONOTONIC) - start;
        if (!cpu && elapsed > 500000000u) cpu = now(CLOCK_PROCESS_CPUTIME_ID), from = completed;
        if (elapsed > 500000000u + (uint64_t)(seconds * 1e9)) break;
        int ready = epoll_wait(set, events, 1024, 100);
        for (int i = 0; i < ready; i++) serve(events[i].data.ptr);
    }
    uint64_t messages = completed - from;
    printf("%llu %.1f\n", (unsigned long long)messages,
           (double)(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)(messages ? messages : 1));
    return 0;
}
