#ifndef STARGATE_CZLIB_H
#define STARGATE_CZLIB_H

#include <stdlib.h>
#include <zlib.h>

#endif
