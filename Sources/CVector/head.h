#ifndef STARGATE_HEAD_H
#define STARGATE_HEAD_H

// Sixteen bytes of a message's head at once, one bit for each, the first byte lowest. The lines of a
// head are short: what counts is how few instructions it takes to learn where a run ends, and to
// gather the bits of a vector is one that Swift has no word for; see `HeadCursor.swift`.

#include <stdint.h>

#if defined(__SSE2__)

#include <emmintrin.h>

/// Marks bytes that are neither letters nor a hyphen.
static inline uint32_t stargate_head_not_letters(const void *bytes)
{
    const __m128i found = _mm_loadu_si128((const __m128i *)bytes);
    const __m128i small = _mm_or_si128(found, _mm_set1_epi8(0x20));
    const __m128i place = _mm_sub_epi8(small, _mm_set1_epi8('a'));
    const __m128i letters = _mm_cmpeq_epi8(_mm_min_epu8(place, _mm_set1_epi8(25)), place);
    const __m128i hyphens = _mm_cmpeq_epi8(found, _mm_set1_epi8('-'));
    return 0xFFFF ^ (uint32_t)_mm_movemask_epi8(_mm_or_si128(letters, hyphens));
}

/// Marks control bytes and DEL.
static inline uint32_t stargate_head_controls(const void *bytes)
{
    const __m128i found = _mm_loadu_si128((const __m128i *)bytes);
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(found, _mm_set1_epi8(0x1F)), found);
    const __m128i deletes = _mm_cmpeq_epi8(found, _mm_set1_epi8(0x7F));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(controls, deletes));
}

#else

static inline uint32_t stargate_head_not_letters(const void *bytes)
{
    uint32_t marks = 0;
    for (int index = 0; index < 16; index++) {
        const uint8_t byte = ((const uint8_t *)bytes)[index];
        const int belongs = (uint8_t)((byte | 0x20) - 'a') < 26 || byte == '-';
        marks |= (uint32_t)!belongs << index;
    }
    return marks;
}

static inline uint32_t stargate_head_controls(const void *bytes)
{
    uint32_t marks = 0;
    for (int index = 0; index < 16; index++) {
        const uint8_t byte = ((const uint8_t *)bytes)[index];
        marks |= (uint32_t)(byte < 0x20 || byte == 0x7F) << index;
    }
    return marks;
}

#endif

#endif
