/* What the two floors share: the least that a correct echo of RFC 6455 needs, and nothing that a
 * product needs. No UTF-8 check, no fragments, no limits but one, no timeouts, no closing handshake
 * beyond an answer. A floor says what the kernel and the copying cost; it is not a server. */
#ifndef FLOOR_H
#define FLOOR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "options.h"

enum { READ_SIZE = 512 << 10, SLACK = 64, LARGEST = 64 << 20 };

/* A connection holds memory only while a message or an answer is incomplete. */
struct peer {
    uint8_t *rest;              /* received, not yet a whole frame */
    size_t rest_length, rest_capacity;
    uint8_t *queue;             /* answered, not yet taken by the kernel */
    size_t queue_offset, queue_length;
    bool is_open;
};

static inline void free_peer(struct peer *peer) {
    free(peer->rest);
    free(peer->queue);
}

/* The 101 response to the request at `head`, into `answer`; 0 if it is none of ours. */
static inline size_t write_handshake(const char *head, size_t length, char *answer) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char key[24 + sizeof guid];
    const char *field = NULL;
    for (size_t i = 0; i + 44 < length && !field; i++)
        if ((head[i] == 'S' || head[i] == 's') && !strncasecmp(head + i, "Sec-WebSocket-Key:", 18))
            field = head + i + 18;
    if (!field) return 0;
    while (*field == ' ') field++;
    if (field + 24 > head + length) return 0;
    memcpy(key, field, 24);
    memcpy(key + 24, guid, sizeof guid);
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA1((const uint8_t *)key, 60, digest);
    char accept[32];
    EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
    return (size_t)sprintf(answer,
                           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
}

/* Unmasks forwards; `to` lies at or before `from`, and both may be used a little beyond the end. */
static inline void unmask(uint8_t *to, const uint8_t *from, size_t length, uint32_t mask) {
    uint64_t wide = (uint64_t)mask << 32 | mask, a, b, c, d;
    size_t i = 0;
    for (; i + 32 <= length; i += 32) {
        memcpy(&a, from + i, 8), memcpy(&b, from + i + 8, 8);
        memcpy(&c, from + i + 16, 8), memcpy(&d, from + i + 24, 8);
        a ^= wide, b ^= wide, c ^= wide, d ^= wide;
        memcpy(to + i, &a, 8), memcpy(to + i + 8, &b, 8);
        memcpy(to + i + 16, &c, 8), memcpy(to + i + 24, &d, 8);
    }
    for (; i + 8 <= length; i += 8) {
        memcpy(&a, from + i, 8);
        a ^= wide;
        memcpy(to + i, &a, 8);
    }
    for (; i < length; i++) to[i] = from[i] ^ (uint8_t)(wide >> (8 * (i & 7)));
}

static inline size_t write_header(uint8_t *to, uint8_t first, uint64_t length) {
    to[0] = first;
    if (length < 126) {
        to[1] = (uint8_t)length;
        return 2;
    }
    if (length < 65536) {
        to[1] = 126, to[2] = (uint8_t)(length >> 8), to[3] = (uint8_t)length;
        return 4;
    }
    to[1] = 127;
    for (int i = 0; i < 8; i++) to[2 + i] = (uint8_t)(length >> (56 - 8 * i));
    return 10;
}

/* What one read led to. */
struct answer {
    size_t consumed;    /* bytes of whole frames */
    size_t length;      /* bytes to send, from the start of the same buffer */
    size_t wanted;      /* the length of the incomplete frame behind them, header included */
    bool is_last;       /* a Close frame, or something that no client sends */
};

/* Turns the frames in a buffer into their echoes, in place: an answer is shorter than its question
 * by the masking key, so it always fits before it. */
static inline struct answer answer_frames(uint8_t *bytes, size_t length) {
    struct answer answer = {0};
    for (;;) {
        uint8_t *frame = bytes + answer.consumed;
        size_t left = length - answer.consumed;
        if (left < 6) break;
        uint64_t payload = frame[1] & 127;
        size_t header = 6;
        if (payload == 126) {
            if (left < 8) break;
            payload = (uint64_t)frame[2] << 8 | frame[3];
            header = 8;
        } else if (payload == 127) {
            if (left < 14) break;
            payload = 0;
            for (int i = 2; i < 10; i++) payload = payload << 8 | frame[i];
            header = 14;
        }
        if (payload > LARGEST || !(frame[1] & 128)) {
            answer.is_last = true;
            break;
        }
        if (left < header + payload) {
            answer.wanted = header + payload;
            break;
        }
        uint8_t opcode = frame[0] & 15;
        if (opcode != 10) {
            uint32_t mask;
            memcpy(&mask, frame + header - 4, 4);
            uint8_t *to = bytes + answer.length;
            size_t written = write_header(to, opcode == 9 ? 0x8A : frame[0], payload);
            unmask(to + written, frame + header, payload, mask);
            answer.length += written + payload;
        }
        answer.consumed += header + payload;
        if (opcode == 8) {
            answer.is_last = true;
            break;
        }
    }
    return answer;
}

/* Keeps what is incomplete: with room for the whole frame, so that the next read goes straight to
 * its place. */
static inline bool keep_rest(struct peer *peer, const uint8_t *from, size_t length, size_t wanted) {
    if (length == 0) {
        free(peer->rest);
        peer->rest = NULL;
        peer->rest_length = peer->rest_capacity = 0;
        return true;
    }
    size_t capacity = (wanted > length ? wanted : length + 4096) + SLACK;
    if (from >= peer->rest && from < peer->rest + peer->rest_capacity &&
        peer->rest_capacity >= capacity) {
        memmove(peer->rest, from, length);
    } else {
        uint8_t *room = malloc(capacity);
        if (!room) return false;
        memcpy(room, from, length);
        free(peer->rest);
        peer->rest = room;
        peer->rest_capacity = capacity;
    }
    peer->rest_length = length;
    return true;
}

/* Adds to what the kernel has not taken yet. */
static inline bool enqueue(struct peer *peer, const uint8_t *bytes, size_t length) {
    size_t waiting = peer->queue_length - peer->queue_offset;
    uint8_t *room = malloc(waiting + length);
    if (!room) return false;
    if (waiting) memcpy(room, peer->queue + peer->queue_offset, waiting);
    memcpy(room + waiting, bytes, length);
    free(peer->queue);
    peer->queue = room;
    peer->queue_offset = 0;
    peer->queue_length = waiting + length;
    return true;
}

#endif
