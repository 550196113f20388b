#ifndef STARGATE_UTF8_LOOKUP_H
#define STARGATE_UTF8_LOOKUP_H

// UTF-8 validation with byte shuffles, which Swift's SIMD types do not have. The algorithm is the
// one that John Keiser and Daniel Lemire describe in "Validating UTF-8 In Less Than One Instruction
// Per Byte" (2020): of every pair of neighbouring bytes, three nibbles are looked up in tables of
// error classes; a class that all three have in common is an error. What a pair cannot tell, that a
// third or fourth byte must be a continuation, is told by the bytes two and three places before.
//
// Functions for one instruction set are compiled for it alone, and called only where the processor
// has it. There is no table for other processors: the caller has its own way without vectors.

#include <stddef.h>
#include <stdint.h>

#include "processor.h"

/// The shortest text that the functions here take: a block of 16 bytes, and behind its third byte
/// another one that ends with the text.
#define STARGATE_UTF8_LOOKUP_MIN 19

#if defined(__x86_64__)

#include <immintrin.h>

// Error classes. The two that share a bit cannot be confused: they differ in the first byte's low
// nibble, which is 0 for the one and above 4 for the other.
enum {
    stargate_utf8_too_short = 1 << 0,       // a lead byte, then no continuation
    stargate_utf8_too_long = 1 << 1,        // ASCII, then a continuation
    stargate_utf8_overlong_3 = 1 << 2,      // E0, then 80...9F
    stargate_utf8_too_large = 1 << 3,       // F4 and above, then 90...BF
    stargate_utf8_surrogate = 1 << 4,       // ED, then A0...BF
    stargate_utf8_overlong_2 = 1 << 5,      // C0 or C1, then a continuation
    stargate_utf8_overlong_4 = 1 << 6,      // F0, then 80...8F
    stargate_utf8_too_large_80 = 1 << 6,    // F5 and above, then 80...8F
    stargate_utf8_two_in_a_row = 1 << 7,    // two continuations: an error, unless they are due
    // What the low nibble of the first byte has no say in.
    stargate_utf8_any_nibble =
        stargate_utf8_too_short | stargate_utf8_too_long | stargate_utf8_two_in_a_row,
    stargate_utf8_above_f4 = stargate_utf8_too_large | stargate_utf8_too_large_80,
};

#define STARGATE_UTF8_FIRST_HIGH \
    stargate_utf8_too_long, stargate_utf8_too_long, stargate_utf8_too_long, \
    stargate_utf8_too_long, stargate_utf8_too_long, stargate_utf8_too_long, \
    stargate_utf8_too_long, stargate_utf8_too_long, \
    (char)stargate_utf8_two_in_a_row, (char)stargate_utf8_two_in_a_row, \
    (char)stargate_utf8_two_in_a_row, (char)stargate_utf8_two_in_a_row, \
    stargate_utf8_too_short | stargate_utf8_overlong_2, \
    stargate_utf8_too_short, \
    stargate_utf8_too_short | stargate_utf8_overlong_3 | stargate_utf8_surrogate, \
    stargate_utf8_too_short | stargate_utf8_above_f4 | stargate_utf8_overlong_4

#define STARGATE_UTF8_FIRST_LOW \
    (char)(stargate_utf8_any_nibble | stargate_utf8_overlong_2 | stargate_utf8_overlong_3 \
        | stargate_utf8_overlong_4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_overlong_2), \
    (char)stargate_utf8_any_nibble, \
    (char)stargate_utf8_any_nibble, \
    (char)(stargate_utf8_any_nibble | stargate_utf8_too_large), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4 | stargate_utf8_surrogate), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4), \
    (char)(stargate_utf8_any_nibble | stargate_utf8_above_f4)

// What every continuation byte may be wrong as.
#define STARGATE_UTF8_CONTINUATION \
    (stargate_utf8_too_long | stargate_utf8_overlong_2 | stargate_utf8_two_in_a_row)

#define STARGATE_UTF8_SECOND_HIGH \
    stargate_utf8_too_short, stargate_utf8_too_short, stargate_utf8_too_short, \
    stargate_utf8_too_short, stargate_utf8_too_short, stargate_utf8_too_short, \
    stargate_utf8_too_short, stargate_utf8_too_short, \
    (char)(STARGATE_UTF8_CONTINUATION | stargate_utf8_overlong_3 | stargate_utf8_overlong_4), \
    (char)(STARGATE_UTF8_CONTINUATION | stargate_utf8_overlong_3 | stargate_utf8_too_large), \
    (char)(STARGATE_UTF8_CONTINUATION | stargate_utf8_surrogate | stargate_utf8_too_large), \
    (char)(STARGATE_UTF8_CONTINUATION | stargate_utf8_surrogate | stargate_utf8_too_large), \
    stargate_utf8_too_short, stargate_utf8_too_short, stargate_utf8_too_short, \
    stargate_utf8_too_short

/// The errors of 16 bytes, given the same bytes shifted by one, two and three places.
__attribute__((target("ssse3"), always_inline))
static inline __m128i stargate_utf8_errors_16(
    __m128i block, __m128i before1, __m128i before2, __m128i before3)
{
    const __m128i low_nibble = _mm_set1_epi8(0x0F);
    __m128i first_high = _mm_shuffle_epi8(
        _mm_setr_epi8(STARGATE_UTF8_FIRST_HIGH),
        _mm_and_si128(_mm_srli_epi16(before1, 4), low_nibble));
    __m128i first_low = _mm_shuffle_epi8(
        _mm_setr_epi8(STARGATE_UTF8_FIRST_LOW), _mm_and_si128(before1, low_nibble));
    __m128i second_high = _mm_shuffle_epi8(
        _mm_setr_epi8(STARGATE_UTF8_SECOND_HIGH),
        _mm_and_si128(_mm_srli_epi16(block, 4), low_nibble));
    __m128i pairs = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);
    // The top bit stays where two places before is E0 and above, or three before F0 and above.
    __m128i third = _mm_subs_epu8(before2, _mm_set1_epi8(0xE0 - 0x80));
    __m128i fourth = _mm_subs_epu8(before3, _mm_set1_epi8(0xF0 - 0x80));
    __m128i due = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80));
    return _mm_xor_si128(due, pairs);
}

/// The errors of the 16 bytes at `text`, in front of which three more can be read.
__attribute__((target("ssse3"), always_inline))
static inline __m128i stargate_utf8_errors_at_16(const uint8_t *text)
{
    return stargate_utf8_errors_16(
        _mm_loadu_si128((const __m128i *)text), _mm_loadu_si128((const __m128i *)(text - 1)),
        _mm_loadu_si128((const __m128i *)(text - 2)), _mm_loadu_si128((const __m128i *)(text - 3)));
}

__attribute__((target("ssse3"), noinline, unused))
static int stargate_utf8_is_valid_ssse3(const uint8_t *text, size_t count)
{
    // In front of the text there is nothing, which is as good as ASCII.
    __m128i block = _mm_loadu_si128((const __m128i *)text);
    __m128i errors = stargate_utf8_errors_16(
        block, _mm_slli_si128(block, 1), _mm_slli_si128(block, 2), _mm_slli_si128(block, 3));
    size_t index = 16;
    int was_ascii = 0;
    for (; count - index >= 32; index += 32) {
        __m128i both = _mm_or_si128(
            _mm_loadu_si128((const __m128i *)(text + index)),
            _mm_loadu_si128((const __m128i *)(text + index + 16)));
        int is_ascii = _mm_movemask_epi8(both) == 0;
        // Behind other than ASCII, even ASCII is looked at: it may come too early.
        if (!(is_ascii & was_ascii)) {
            errors = _mm_or_si128(errors, stargate_utf8_errors_at_16(text + index));
            errors = _mm_or_si128(errors, stargate_utf8_errors_at_16(text + index + 16));
        }
        was_ascii = is_ascii;
    }
    // The last block reaches back into what was seen already, instead of beyond the end.
    for (; count - index > 16; index += 16) {
        errors = _mm_or_si128(errors, stargate_utf8_errors_at_16(text + index));
    }
    errors = _mm_or_si128(errors, stargate_utf8_errors_at_16(text + count - 16));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) == 0xFFFF;
}

/// The same with 32 bytes at a time.
__attribute__((target("avx2"), always_inline))
static inline __m256i stargate_utf8_errors_32(
    __m256i block, __m256i before1, __m256i before2, __m256i before3)
{
    const __m256i low_nibble = _mm256_set1_epi8(0x0F);
    __m256i first_high = _mm256_shuffle_epi8(
        _mm256_setr_epi8(STARGATE_UTF8_FIRST_HIGH, STARGATE_UTF8_FIRST_HIGH),
        _mm256_and_si256(_mm256_srli_epi16(before1, 4), low_nibble));
    __m256i first_low = _mm256_shuffle_epi8(
        _mm256_setr_epi8(STARGATE_UTF8_FIRST_LOW, STARGATE_UTF8_FIRST_LOW),
        _mm256_and_si256(before1, low_nibble));
    __m256i second_high = _mm256_shuffle_epi8(
        _mm256_setr_epi8(STARGATE_UTF8_SECOND_HIGH, STARGATE_UTF8_SECOND_HIGH),
        _mm256_and_si256(_mm256_srli_epi16(block, 4), low_nibble));
    __m256i pairs = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
    __m256i third = _mm256_subs_epu8(before2, _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(before3, _mm256_set1_epi8(0xF0 - 0x80));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(due, pairs);
}

__attribute__((target("avx2"), always_inline))
static inline __m256i stargate_utf8_errors_at_32(const uint8_t *text)
{
    return stargate_utf8_errors_32(
        _mm256_loadu_si256((const __m256i *)text),
        _mm256_loadu_si256((const __m256i *)(text - 1)),
        _mm256_loadu_si256((const __m256i *)(text - 2)),
        _mm256_loadu_si256((const __m256i *)(text - 3)));
}

/// Takes 35 bytes or more.
__attribute__((target("avx2"), noinline, unused))
static int stargate_utf8_is_valid_avx2(const uint8_t *text, size_t count)
{
    __m128i start = _mm_loadu_si128((const __m128i *)text);
    __m128i start_errors = stargate_utf8_errors_16(
        start, _mm_slli_si128(start, 1), _mm_slli_si128(start, 2), _mm_slli_si128(start, 3));
    __m256i errors = _mm256_zextsi128_si256(start_errors);
    size_t index = 16;
    int was_ascii = 0;
    for (; count - index >= 64; index += 64) {
        __m256i both = _mm256_or_si256(
            _mm256_loadu_si256((const __m256i *)(text + index)),
            _mm256_loadu_si256((const __m256i *)(text + index + 32)));
        int is_ascii = _mm256_movemask_epi8(both) == 0;
        if (!(is_ascii & was_ascii)) {
            errors = _mm256_or_si256(errors, stargate_utf8_errors_at_32(text + index));
            errors = _mm256_or_si256(errors, stargate_utf8_errors_at_32(text + index + 32));
        }
        was_ascii = is_ascii;
    }
    // The rest is less than 64 bytes: one block, and one that reaches back.
    if (count - index > 32) {
        errors = _mm256_or_si256(errors, stargate_utf8_errors_at_32(text + index));
    }
    errors = _mm256_or_si256(errors, stargate_utf8_errors_at_32(text + count - 32));
    return _mm256_testz_si256(errors, errors);
}

#endif

/// Whether a function here can run on this processor.
static inline int stargate_utf8_has_lookup(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("ssse3") != 0;
#else
    return 0;
#endif
}

/// Whether `text` is UTF-8 from beginning to end. It has at least `STARGATE_UTF8_LOOKUP_MIN` bytes,
/// and `stargate_utf8_has_lookup` said yes.
static inline int stargate_utf8_is_valid(const uint8_t *text, size_t count)
{
#if defined(__x86_64__)
    // A code point that is open at the end lacks no byte that a block could see.
    if (text[count - 1] >= 0xC0 || text[count - 2] >= 0xE0 || text[count - 3] >= 0xF0) return 0;
    return count >= 64 && stargate_has_avx2()
        ? stargate_utf8_is_valid_avx2(text, count)
        : stargate_utf8_is_valid_ssse3(text, count);
#else
    (void)text, (void)count;
    return 0;
#endif
}

#endif
