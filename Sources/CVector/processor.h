#ifndef STARGATE_PROCESSOR_H
#define STARGATE_PROCESSOR_H

// What the processor can do beyond what everything is compiled for.

/// Whether it has vectors of 32 bytes.
static inline int stargate_has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}

#endif
