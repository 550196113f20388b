// What the C library's allocator says about itself, which Swift's Glibc leaves out.

#ifndef STARGATE_MALLOC_SHIM_H
#define STARGATE_MALLOC_SHIM_H

#include <malloc.h>

#endif
