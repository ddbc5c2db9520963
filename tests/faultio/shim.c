/* Makes the k-th call of a kind fail, for files below one directory, moves the wall clock, and says how much memory
 * the process has (FAULTIO_MEMORY names a file in the form of /proc/self/statm): preloaded into the real binary by
 * tests/it/disk. What is to fail stands in a file that is mapped here and written by the test:
 *
 *   int32 kinds, countdown, sticky, error, hits;  int64 clock offset in seconds (at byte 24);
 *   int32 calls of each kind so far (from byte 32)
 *
 * A call fails when the countdown reaches 1, with `sticky` all that follow do, too. 0 is off. A write that fails
 * writes half of its bytes first, as a disk may. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, TRUNCATE = 16 };

struct control {
    volatile int32_t kinds, countdown, sticky, error, hits, unused;
    volatile int64_t offset;
    volatile int32_t calls[5];
};

static struct control *control;
static const char *below;
static const char *memory;
static volatile char watched[65536];

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTIO_CONTROL");
    below = getenv("FAULTIO_DIRECTORY");
    memory = getenv("FAULTIO_MEMORY");
    if (!path || !below) return;
    int fd = NEXT(open)(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEXT(close)(fd);
    if (at != MAP_FAILED) control = at;
}

static int fails(int kind, int index) {
    if (!control) return 0;
    __sync_fetch_and_add(&control->calls[index], 1);
    if (!(control->kinds & kind)) return 0;
    int32_t left = __sync_fetch_and_sub(&control->countdown, 1);
    if (left > 1) return 0;
    if (left < 1 && !control->sticky) return 0;
    __sync_fetch_and_add(&control->hits, 1);
    errno = control->error;
    return 1;
}

static int is_watched(int fd) { return fd >= 0 && fd < 65536 && watched[fd]; }

static const char *instead_of(const char *path) {
    return memory && strcmp(path, "/proc/self/statm") == 0 ? memory : path;
}

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < 65536) watched[fd] = control && strstr(path, below) != NULL;
    return fd;
}

#define OPENS(name, head, pass)                                                                                     \
    int name head {                                                                                                  \
        mode_t mode = 0;                                                                                             \
        path = instead_of(path);                                                                                     \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                         \
            va_list more;                                                                                            \
            va_start(more, flags);                                                                                   \
            mode = va_arg(more, mode_t);                                                                             \
            va_end(more);                                                                                            \
        }                                                                                                            \
        if (control && strstr(path, below) && fails(OPEN, 0)) return -1;                                             \
        return opened(NEXT(name) pass, path);                                                                        \
    }
OPENS(open, (const char *path, int flags, ...), (path, flags, mode))
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENS(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
OPENS(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))

int close(int fd) {
    if (fd >= 0 && fd < 65536) watched[fd] = 0;
    return NEXT(close)(fd);
}

ssize_t read(int fd, void *to, size_t n) { return is_watched(fd) && fails(READ, 1) ? -1 : NEXT(read)(fd, to, n); }
ssize_t pread(int fd, void *to, size_t n, off_t at) {
    return is_watched(fd) && fails(READ, 1) ? -1 : NEXT(pread)(fd, to, n, at);
}
ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
    return is_watched(fd) && fails(READ, 1) ? -1 : NEXT(pread64)(fd, to, n, at);
}

ssize_t write(int fd, const void *from, size_t n) {
    return is_watched(fd) && fails(WRITE, 2) ? -1 : NEXT(write)(fd, from, n);
}

#define PWRITES(name, offset)                                                                                        \
    ssize_t name(int fd, const void *from, size_t n, offset at) {                                                    \
        if (is_watched(fd) && fails(WRITE, 2)) {                                                                     \
            int error = errno;                                                                                       \
            ssize_t half = NEXT(name)(fd, from, n / 2, at);                                                          \
            (void)half;                                                                                              \
            errno = error;                                                                                           \
            return -1;                                                                                               \
        }                                                                                                            \
        return NEXT(name)(fd, from, n, at);                                                                          \
    }
PWRITES(pwrite, off_t)
PWRITES(pwrite64, off64_t)

int fsync(int fd) { return is_watched(fd) && fails(SYNC, 3) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return is_watched(fd) && fails(SYNC, 3) ? -1 : NEXT(fdatasync)(fd); }
int ftruncate(int fd, off_t n) { return is_watched(fd) && fails(TRUNCATE, 4) ? -1 : NEXT(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return is_watched(fd) && fails(TRUNCATE, 4) ? -1 : NEXT(ftruncate64)(fd, n); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = NEXT(clock_gettime)(clock, now);
    if (done == 0 && clock == CLOCK_REALTIME && control) now->tv_sec += control->offset;
    return done;
}
