#ifndef STARGATE_MASKING_H
#define STARGATE_MASKING_H

// The masking of RFC 6455 section 5.3 in vectors of 32 bytes, for payloads that are long enough to
// pay for the call. Swift compiles for a processor that has 16; see `Masking.swift`.

#include <stddef.h>
#include <stdint.h>

#include "processor.h"

#if defined(__x86_64__)

#include <immintrin.h>

/// See below. `notes` is a constant: not to look at the result saves a fifth.
__attribute__((target("avx2"), always_inline))
static inline uint64_t stargate_mask_avx2(
    const uint8_t *source, uint8_t *target, size_t count, uint64_t word, int notes)
{
    const __m256i mask = _mm256_set1_epi64x((long long)word);
    __m256i seen = _mm256_setzero_si256();
    for (size_t offset = 0; offset < count; offset += 64) {
        const __m256i a = _mm256_xor_si256(
            _mm256_loadu_si256((const __m256i *)(const void *)(source + offset)), mask);
        const __m256i b = _mm256_xor_si256(
            _mm256_loadu_si256((const __m256i *)(const void *)(source + offset + 32)), mask);
        _mm256_storeu_si256((__m256i *)(void *)(target + offset), a);
        _mm256_storeu_si256((__m256i *)(void *)(target + offset + 32), b);
        if (notes)
            seen = _mm256_or_si256(seen, _mm256_or_si256(a, b));
    }
    return (uint32_t)_mm256_movemask_epi8(seen) == 0 ? 0 : UINT64_C(0x8080808080808080);
}

__attribute__((target("avx2"), noinline, unused))
static void stargate_mask_blocks_avx2(
    const uint8_t *source, uint8_t *target, size_t count, uint64_t word)
{
    (void)stargate_mask_avx2(source, target, count, word, 0);
}

__attribute__((target("avx2"), noinline, unused))
static uint64_t stargate_mask_noting_avx2(uint8_t *start, size_t count, uint64_t word)
{
    return stargate_mask_avx2(start, start, count, word, 1);
}

#endif

/// Combines blocks of 64 bytes with a word, from `source` to `target`, which may be the same. Only
/// where `stargate_has_avx2` said yes.
static inline void stargate_mask_blocks(
    const uint8_t *source, uint8_t *target, size_t count, uint64_t word)
{
#if defined(__x86_64__)
    stargate_mask_blocks_avx2(source, target, count, word);
#else
    (void)source, (void)target, (void)count, (void)word;
#endif
}

/// The same where the bytes lie. Returns a word that has a top bit if a byte of the result has.
static inline uint64_t stargate_mask_blocks_noting(uint8_t *start, size_t count, uint64_t word)
{
#if defined(__x86_64__)
    return stargate_mask_noting_avx2(start, count, word);
#else
    (void)start, (void)count, (void)word;
    return 0;
#endif
}

#endif
