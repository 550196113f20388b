#ifndef STARGATE_CUV_H
#define STARGATE_CUV_H

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

// glibc hides this behind a macro that breaks its own module in Swift.
extern int accept4(int, struct sockaddr *, socklen_t *, int);

#endif
