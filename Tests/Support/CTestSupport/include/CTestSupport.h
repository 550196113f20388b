// Counts what a thread asks of the allocator and of the kernel, for tests of budgets.
//
// The test program defines malloc and write itself and passes them on; everything it has loaded
// calls these. Counting is per thread, so tests that run beside each other do not disturb it.

#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdbool.h>
#include <stdint.h>

/// What the calling thread has done since it started.
typedef struct {
    uint64_t allocations;
    uint64_t writes;
    uint64_t reads;
} thread_counts;

/// Whether the counters work: not under a sanitizer, which brings an allocator of its own.
bool counters_work(void);

/// The counts of the calling thread.
thread_counts current_thread_counts(void);

#endif
