#ifndef STARGATE_CDEFLATE_H
#define STARGATE_CDEFLATE_H

#include <libdeflate.h>

#endif
