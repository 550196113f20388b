#ifndef STARGATE_CUV_H
#define STARGATE_CUV_H

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/syscall.h>
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

// glibc hides this behind a macro that breaks its own module in Swift.
extern int accept4(int, struct sockaddr *, socklen_t *, int);

#ifdef __linux__
// recv(2), send(2), accept4(2) and close(2), which are points of cancellation: in a program with
// threads the C library spends up to 60 instructions around each on being ready for that, more than
// the rest of it takes. No thread is cancelled here, and `syscall` does without. All return the
// negative error number.
static inline long stargate_receive(int socket, void *bytes, size_t count)
{
    long received = syscall(SYS_recvfrom, (long)socket, bytes, count, 0L, NULL, NULL);
    if (received > 0) return received; // Nearly always, and asked for first.
    return received == 0 ? 0 : -(long)errno;
}

static inline long stargate_send(int socket, const void *bytes, size_t count)
{
    long sent = syscall(SYS_sendto, (long)socket, bytes, count, (long)MSG_NOSIGNAL, NULL, 0L);
    return sent >= 0 ? sent : -(long)errno;
}

static inline int stargate_accept(int socket, struct sockaddr *address, socklen_t *size, int flags)
{
    long accepted = syscall(SYS_accept4, (long)socket, address, size, (long)flags);
    return accepted >= 0 ? (int)accepted : -errno;
}

static inline int stargate_close(int descriptor)
{
    return syscall(SYS_close, (long)descriptor) == 0 ? 0 : -errno;
}
#endif

// The macros of cmsg(3), which Swift cannot see: sends up to 64 descriptors with one byte.
static inline int stargate_send_descriptors(int socket, char mark, const int *descriptors, int count)
{
    union {
        char bytes[CMSG_SPACE(64 * sizeof(int))];
        struct cmsghdr header;
    } control;
    struct iovec data = {.iov_base = &mark, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 64) return -1;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *first = CMSG_FIRSTHDR(&message);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(first), descriptors, (size_t)count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

// The opposite. Returns how many descriptors came with the byte, at most 64, or -1 at the end.
static inline int stargate_receive_descriptors(int socket, char *mark, int *descriptors)
{
    union {
        char bytes[CMSG_SPACE(64 * sizeof(int))];
        struct cmsghdr header;
    } control;
    struct iovec data = {.iov_base = mark, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control};
    int count = 0;
#ifdef MSG_CMSG_CLOEXEC
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
#else
    if (recvmsg(socket, &message, 0) != 1) return -1;
#endif
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
        count = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        if (count > 64) count = 64;
        memcpy(descriptors, CMSG_DATA(part), (size_t)count * sizeof(int));
    }
    return count;
}

// The user behind a Unix domain socket, or -1.
static inline long stargate_peer_user(int socket)
{
#ifdef SO_PEERCRED
    struct { pid_t process; uid_t user; gid_t group; } peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) return (long)peer.user;
    return -1;
#else
    uid_t user; gid_t group;
    return getpeereid(socket, &user, &group) == 0 ? (long)user : -1;
#endif
}

#endif
