#ifndef STARGATE_CZLIB_H
#define STARGATE_CZLIB_H

#include <zlib.h>

#endif
