// Makes system calls and allocations fail, by a seed: loaded with LD_PRELOAD into a server.
//
//   FAULTS=SEED,CALL:ERROR:PROBABILITY,...   such as FAULTS=7,accept4:EMFILE:0.01,read:short:0.1
//   FAULTS_LOG=FILE                          at the end: how many calls were seen and failed
//   FAULTS_FAIL=K                            instead of a seed: the K-th call that can fail does
//   FAULTS_ONLY=CALL                         with it: of this kind, once a connection was accepted
//
// An ERROR is a name of errno(3); `short` lets at most a few bytes through, `delay` waits a
// millisecond, `jump` moves CLOCK_MONOTONIC one second ahead. malloc fails only when zlib or
// OpenSSL asks: Swift's own allocations end the process by design, and so does libuv without epoll_ctl.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ACCEPT, READ, RECV, WRITE, SEND, SENDMSG, WRITEV, EPOLL_CTL, CONNECT, CLOSE, MALLOC, CLOCK, CALLS };
static const char *const names[CALLS] = {"accept4", "read", "recv", "write", "send", "sendmsg",
                                         "writev", "epoll_ctl", "connect", "close", "malloc", "clock"};
enum { SHORT = -1, DELAY = -2, JUMP = -3 };
static const struct { const char *name; int code; } errors[] = {
    {"EINTR", EINTR}, {"EAGAIN", EAGAIN}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOBUFS", ENOBUFS},
    {"ENOMEM", ENOMEM}, {"ECONNABORTED", ECONNABORTED}, {"ECONNRESET", ECONNRESET}, {"EPIPE", EPIPE},
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EPROTO", EPROTO}, {"ETIMEDOUT", ETIMEDOUT},
    {"short", SHORT}, {"delay", DELAY}, {"jump", JUMP}};

static struct { int call, code; uint32_t below; } rules[32];
static int rule_count;
static uint64_t seed = 1;
static long fail_at;
static int fail_only = -1;
static _Atomic int has_accepted;
static _Atomic long seen[CALLS], failed[CALLS], candidates, ahead;
static _Atomic uint64_t draws;
static __thread int inside;

#define REAL(name) ({ if (!name##_real) name##_real = (name##_type)dlsym(RTLD_NEXT, #name); name##_real; })
#define DECLARE(result, name, ...) typedef result (*name##_type)(__VA_ARGS__); static name##_type name##_real
DECLARE(int, accept4, int, struct sockaddr *, socklen_t *, int);
DECLARE(ssize_t, read, int, void *, size_t);
DECLARE(ssize_t, recv, int, void *, size_t, int);
DECLARE(ssize_t, write, int, const void *, size_t);
DECLARE(ssize_t, send, int, const void *, size_t, int);
DECLARE(ssize_t, sendmsg, int, const struct msghdr *, int);
DECLARE(ssize_t, writev, int, const struct iovec *, int);
DECLARE(int, epoll_ctl, int, int, int, struct epoll_event *);
DECLARE(int, connect, int, const struct sockaddr *, socklen_t);
DECLARE(int, close, int);
DECLARE(long, syscall, long, ...);
DECLARE(void *, malloc, size_t);
DECLARE(int, clock_gettime, clockid_t, struct timespec *);

// Where the code of some libraries lies.
enum { MORTAL = 1, LIBUV };
static struct { uintptr_t from, to; int kind; } code[16];
static int code_count;

static int find_code(struct dl_phdr_info *library, size_t size, void *nothing)
{
    const char *name = library->dlpi_name;
    int kind = strstr(name, "libuv.") ? LIBUV
        : strstr(name, "libz.") || strstr(name, "libssl.") || strstr(name, "libcrypto.") ? MORTAL : 0;
    (void)size, (void)nothing;
    for (int i = 0; kind && i < library->dlpi_phnum && code_count < 16; i++) {
        if (!(library->dlpi_phdr[i].p_flags & PF_X)) continue;
        uintptr_t from = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr;
        code[code_count].from = from, code[code_count].kind = kind;
        code[code_count++].to = from + library->dlpi_phdr[i].p_memsz;
    }
    return 0;
}

static int is_from(int kind, void *caller)
{
    for (int i = 0; i < code_count; i++)
        if (code[i].kind == kind && (uintptr_t)caller - code[i].from < code[i].to - code[i].from) return 1;
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAULTS"), *k = getenv("FAULTS_FAIL");
    const char *only = getenv("FAULTS_ONLY");
    if (k) fail_at = atol(k);
    for (int i = 0; only && i < CALLS; i++)
        if (!strcmp(only, names[i])) fail_only = i;
    dl_iterate_phdr(find_code, NULL);
    if (!text) return;
    seed = strtoull(text, NULL, 10) * 0x9E3779B97F4A7C15u + 1;
    for (const char *rule = strchr(text, ','); rule && rule_count < 32; rule = strchr(rule + 1, ',')) {
        char call[16], error[16];
        double probability;
        if (sscanf(rule + 1, "%15[^:]:%15[^:]:%lf", call, error, &probability) != 3) abort();
        rules[rule_count].call = rules[rule_count].code = 0;
        int found = 0;
        for (int i = 0; i < CALLS; i++)
            if (!strcmp(call, names[i])) rules[rule_count].call = i, found++;
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            if (!strcmp(error, errors[i].name)) rules[rule_count].code = errors[i].code, found++;
        if (found != 2) abort();
        rules[rule_count++].below = (uint32_t)(probability * 4294967295.0);
    }
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAULTS_LOG");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    for (int i = 0; i < CALLS; i++) fprintf(file, "%s %ld %ld\n", names[i], seen[i], failed[i]);
    fprintf(file, "candidates %ld 0\n", candidates);
    fclose(file);
}

// The fault of a call: an error number, a code above, or 0.
static int draw(int call)
{
    seen[call]++;
    if (fail_at) {
        static const int plain[CALLS] = {EMFILE, ECONNRESET, ECONNRESET, EPIPE, EPIPE, EPIPE, EPIPE,
                                         ENOMEM, ECONNREFUSED, EINTR, ENOMEM, 0};
        if (call == CLOCK || (fail_only >= 0 && (call != fail_only || !has_accepted))) return 0;
        if (++candidates != fail_at) return 0;
        failed[call]++;
        return plain[call];
    }
    for (int i = 0; i < rule_count; i++) {
        if (rules[i].call != call) continue;
        uint64_t word = seed + draws++ * 0x9E3779B97F4A7C15u;
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
        word = (word ^ word >> 27) * 0x94D049BB133111EBu;
        if ((uint32_t)(word >> 32) >= rules[i].below) continue;
        failed[call]++;
        if (rules[i].code != DELAY) return rules[i].code;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return 0;
}

static int is_socket(int fd)
{
    struct stat status;
    int code = errno, is = fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
    errno = code;
    return is;
}

static size_t some(size_t count) { return count < 2 ? count : 1 + (size_t)(draws * 2654435761u) % (count < 64 ? count - 1 : 63); }

// Where a descriptor is watched. The kernel tells of an edge when bytes come or leave; after a fault
// that it knows nothing of it is made to tell again, or an edge-triggered server would wait in vain
// for what no kernel does to it.
static struct { int set; struct epoll_event event; } watched[1 << 16];

static int again(int fd, int fault)
{
    if ((fault == EAGAIN || fault == SHORT) && fd >= 0 && fd < 1 << 16 && watched[fd].set > 0) {
        struct epoll_event event = watched[fd].event;
        REAL(epoll_ctl)(watched[fd].set, EPOLL_CTL_MOD, fd, &event);
    }
    return fault;
}

#define FAIL(call, on) int fault = (on) ? again(fd, draw(call)) : 0; if (fault > 0) { errno = fault; return -1; }
int accept4(int fd, struct sockaddr *a, socklen_t *n, int f)
{
    FAIL(ACCEPT, 1)
    int result = REAL(accept4)(fd, a, n, f);
    if (result >= 0) has_accepted = 1;
    return result;
}
ssize_t read(int fd, void *b, size_t n) { FAIL(READ, is_socket(fd)) return REAL(read)(fd, b, fault == SHORT ? some(n) : n); }
ssize_t recv(int fd, void *b, size_t n, int f) { FAIL(RECV, 1) return REAL(recv)(fd, b, fault == SHORT ? some(n) : n, f); }
ssize_t write(int fd, const void *b, size_t n) { FAIL(WRITE, is_socket(fd)) return REAL(write)(fd, b, fault == SHORT ? some(n) : n); }
ssize_t send(int fd, const void *b, size_t n, int f) { FAIL(SEND, 1) return REAL(send)(fd, b, fault == SHORT ? some(n) : n, f); }
ssize_t writev(int fd, const struct iovec *v, int n)
{
    FAIL(WRITEV, is_socket(fd))
    return fault == SHORT ? REAL(write)(fd, v[0].iov_base, some(v[0].iov_len)) : REAL(writev)(fd, v, n);
}
ssize_t sendmsg(int fd, const struct msghdr *m, int f)
{
    FAIL(SENDMSG, 1)
    return fault == SHORT ? REAL(send)(fd, m->msg_iov[0].iov_base, some(m->msg_iov[0].iov_len), f) : REAL(sendmsg)(fd, m, f);
}
// The server opens, reads, writes and closes its sockets past the functions of the library, by number.
long syscall(long number, ...)
{
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_recvfrom && !a[4]) return recv((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3]);
    if (number == SYS_sendto && !a[4]) return send((int)a[0], (const void *)a[1], (size_t)a[2], (int)a[3]);
    if (number == SYS_accept4) return accept4((int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2], (int)a[3]);
    if (number == SYS_close) return close((int)a[0]);
    return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
    // libuv ends the process when this fails in its loop.
    FAIL(EPOLL_CTL, op != EPOLL_CTL_DEL && is_socket(fd) && !is_from(LIBUV, __builtin_return_address(0)))
    int result = REAL(epoll_ctl)(set, op, fd, event);
    if (result == 0 && fd < 1 << 16) {
        watched[fd].set = op == EPOLL_CTL_DEL ? 0 : set;
        if (event) watched[fd].event = *event;
    }
    return result;
}
int connect(int fd, const struct sockaddr *a, socklen_t n) { FAIL(CONNECT, 1) return REAL(connect)(fd, a, n); }
// Linux has closed the descriptor when it reports EINTR.
int close(int fd) { int on = is_socket(fd); if (fd >= 0 && fd < 1 << 16) watched[fd].set = 0; int result = REAL(close)(fd); if (result) return result; FAIL(CLOSE, on) return 0; }
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = REAL(clock_gettime)(clock, time);
    if (result || clock != CLOCK_MONOTONIC) return result;
    if (rule_count && draw(CLOCK) == JUMP) ahead++;
    time->tv_sec += ahead;
    return 0;
}

void *malloc(size_t size)
{
    int wanted = fail_at != 0;
    for (int i = 0; i < rule_count; i++) wanted |= rules[i].call == MALLOC;
    if (!wanted || inside) return REAL(malloc)(size);
    inside = 1;
    int fault = is_from(MORTAL, __builtin_return_address(0)) ? draw(MALLOC) : 0;
    inside = 0;
    if (fault > 0) { errno = ENOMEM; return NULL; }
    return REAL(malloc)(size);
}
