/* Preloaded into the Chromium of a test: it cannot watch the network, and so takes it for one that never changes. Else each
   container that another test starts, on the same machine, would have it drop the requests that wait for a connection
   (ERR_NETWORK_CHANGED). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol) {
  static int (*real)(int, int, int);
  if (domain == AF_NETLINK) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  if (real == NULL) real = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  return real(domain, type, protocol);
}
