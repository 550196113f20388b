#define _GNU_SOURCE
#include "CTestSupport.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

// In the program itself, so that reaching it never allocates.
static __thread thread_counts counts __attribute__((tls_model("local-exec")));

thread_counts current_thread_counts(void) { return counts; }

#if !defined(SANITIZED) && defined(__GLIBC__)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

bool counters_work(void) { return true; }

void *malloc(size_t size) {
    counts.allocations += 1;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    counts.allocations += 1;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    counts.allocations += 1;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    counts.allocations += 1;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    counts.allocations += 1;
    void *fresh = __libc_memalign(alignment, size);
    if (fresh == NULL) { return ENOMEM; }
    *block = fresh;
    return 0;
}

// The engine writes to sockets past send(2), by number.
long syscall(long number, ...) {
    typedef long (*function)(long, ...);
    static _Atomic(function) real;
    function next = atomic_load_explicit(&real, memory_order_relaxed);
    if (next == NULL) {
        next = (function)dlsym(RTLD_NEXT, "syscall");
        atomic_store_explicit(&real, next, memory_order_relaxed);
    }
    long words[6];
    va_list list;
    va_start(list, number);
    for (int place = 0; place < 6; place += 1) { words[place] = va_arg(list, long); }
    va_end(list);
    if (number == SYS_sendto) { counts.writes += 1; }
    if (number == SYS_recvfrom) { counts.reads += 1; }
    return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    counts.writes += 1;
    return syscall(SYS_write, descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *slices, int count) {
    counts.writes += 1;
    return syscall(SYS_writev, descriptor, slices, count);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    counts.writes += 1;
    return syscall(SYS_sendmsg, descriptor, message, flags);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    counts.reads += 1;
    return syscall(SYS_read, descriptor, bytes, count);
}

#else

bool counters_work(void) { return false; }

#endif
