/* Preloaded into the parts of a service under chaos: shifts the time of day by what a shared file says, nanoseconds. Time
   spans (CLOCK_MONOTONIC) stay right, as when a machine's clock is set. What a part starts gets it too, whatever
   environment it gives it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NAME "CC_CHAOS_CLOCK="
#define SECOND 1000000000LL
#define MOST 4096

extern char **environ;
static const volatile int64_t none = 0;
static const volatile int64_t *shift = &none;
/* As a child's environment has them. */
static char *own_file, *own_preload;

/* The system's own. Looked up at the start, not between a fork and an exec. */
static __typeof__(&clock_gettime) real_clock_gettime;
static __typeof__(&execve) real_execve;
static __typeof__(&execvpe) real_execvpe;
static __typeof__(&posix_spawn) real_posix_spawn;
static __typeof__(&posix_spawnp) real_posix_spawnp;

static void find(void) {
  if (real_posix_spawnp) return;
  real_clock_gettime = (__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
  real_execve = (__typeof__(&execve))dlsym(RTLD_NEXT, "execve");
  real_execvpe = (__typeof__(&execvpe))dlsym(RTLD_NEXT, "execvpe");
  real_posix_spawn = (__typeof__(&posix_spawn))dlsym(RTLD_NEXT, "posix_spawn");
  real_posix_spawnp = (__typeof__(&posix_spawnp))dlsym(RTLD_NEXT, "posix_spawnp");
}

__attribute__((constructor)) static void begin(void) {
  find();
  for (char **one = environ; one && *one; one++) {
    if (!strncmp(*one, NAME, strlen(NAME))) own_file = strdup(*one);
    if (!strncmp(*one, "LD_PRELOAD=", 11)) own_preload = strdup(*one);
  }
  if (!own_file) return;
  int file = open(own_file + strlen(NAME), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *there = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (there != MAP_FAILED) shift = there;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  find();
  int failed = real_clock_gettime(which, now);
  if (failed || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return failed;
  int64_t at = (int64_t)now->tv_sec * SECOND + now->tv_nsec + *shift;
  now->tv_sec = at / SECOND;
  now->tv_nsec = at % SECOND;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec at;
  if (clock_gettime(CLOCK_REALTIME, &at)) return -1;
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec at;
  if (clock_gettime(CLOCK_REALTIME, &at)) return -1;
  if (where) *where = at.tv_sec;
  return at.tv_sec;
}

/* Between fork and exec nothing may be allocated: `to` is the caller's. */
static char **with_clock(char *const from[], char **to) {
  int count = 0;
  for (char *const *one = from; one && *one && count < MOST - 3; one++)
    if (strncmp(*one, NAME, strlen(NAME)) && strncmp(*one, "LD_PRELOAD=", 11)) to[count++] = *one;
  if (own_file && own_preload) {
    to[count++] = own_file;
    to[count++] = own_preload;
  }
  to[count] = NULL;
  return to;
}

int execve(const char *path, char *const args[], char *const env[]) {
  char *all[MOST];
  find();
  return real_execve(path, args, with_clock(env, all));
}

int execv(const char *path, char *const args[]) { return execve(path, args, environ); }

int execvpe(const char *file, char *const args[], char *const env[]) {
  char *all[MOST];
  find();
  return real_execvpe(file, args, with_clock(env, all));
}

int execvp(const char *file, char *const args[]) { return execvpe(file, args, environ); }

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how,
                char *const args[], char *const env[]) {
  char *all[MOST];
  find();
  return real_posix_spawn(pid, path, actions, how, args, with_clock(env, all));
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how,
                 char *const args[], char *const env[]) {
  char *all[MOST];
  find();
  return real_posix_spawnp(pid, file, actions, how, args, with_clock(env, all));
}
