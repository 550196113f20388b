#ifndef STARGATE_THREAD_H
#define STARGATE_THREAD_H

// Which thread this is, without a call: it is asked for every message of an asynchronous handler.

#include <pthread.h>
#include <stdint.h>

/// A number that tells threads apart while they run; not 0.
static inline uintptr_t stargate_thread(void)
{
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
    return (uintptr_t)__builtin_thread_pointer();
#else
    return (uintptr_t)pthread_self();
#endif
}

#endif
