#define _GNU_SOURCE
#include "COpenBLAS.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// CBLAS's numbers for its options.
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112, LOWER = 122, NOT_UNIT = 131, LEFT = 141, RIGHT = 142 };

#define FUNCTIONS(X)                                                                                                   \
  X(void, openblas_set_num_threads, (int))                                                                             \
  X(char *, openblas_get_config, (void))                                                                               \
  X(char *, openblas_get_corename, (void))                                                                             \
  X(void, cblas_dgemm,                                                                                                 \
    (int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int))           \
  X(void, cblas_dgemv,                                                                                                 \
    (int, int, int, int, double, const double *, int, const double *, int, double, double *, int))                     \
  X(void, cblas_dtrsm, (int, int, int, int, int, int, int, double, const double *, int, double *, int))                \
  X(void, cblas_dtrsv, (int, int, int, int, int, const double *, int, double *, int))                                  \
  X(void, dpotrf_, (const char *, const int *, double *, const int *, int *, size_t))                                  \
  X(void, dsyev_,                                                                                                      \
    (const char *, const char *, const int *, double *, const int *, double *, double *, const int *, int *, size_t,   \
     size_t))

static struct {
#define MEMBER(result, name, arguments) result(*name) arguments;
  FUNCTIONS(MEMBER)
} library;

static int is_open = 0;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_library(void) {
  const char *names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.0.dylib"};
  void *opened = NULL;
  for (size_t k = 0; !opened && k < sizeof names / sizeof *names; k++) opened = dlopen(names[k], RTLD_NOW | RTLD_LOCAL);
  if (!opened) return;
#define LOAD(type, symbol, arguments)                                                                                  \
  if (!(library.symbol = (type(*) arguments)dlsym(opened, #symbol))) return;
  FUNCTIONS(LOAD)
  library.openblas_set_num_threads(1);
  is_open = 1;
}

int openblas_open(void) {
  pthread_once(&once, open_library);
  return is_open;
}

const char *openblas_build(void) { return library.openblas_get_config(); }

const char *openblas_core(void) { return library.openblas_get_corename(); }

static int operation(int transposes) { return transposes ? TRANSPOSED : PLAIN; }

void openblas_gemm(
    int transposes_a, int transposes_b, int32_t m, int32_t n, int32_t k, double alpha, const double *a, int32_t lda,
    const double *b, int32_t ldb, double beta, double *c, int32_t ldc) {
  library.cblas_dgemm(
      ROW_MAJOR, operation(transposes_a), operation(transposes_b), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void openblas_gemv(int32_t m, int32_t n, const double *a, int32_t lda, const double *x, double *y) {
  library.cblas_dgemv(ROW_MAJOR, PLAIN, m, n, 1, a, lda, x, 1, 0, y, 1);
}

void openblas_trsm(
    int is_right, int transposes, int32_t m, int32_t n, const double *l, int32_t ldl, double *b, int32_t ldb) {
  library.cblas_dtrsm(
      ROW_MAJOR, is_right ? RIGHT : LEFT, LOWER, operation(transposes), NOT_UNIT, m, n, 1, l, ldl, b, ldb);
}

void openblas_trsv(int transposes, int32_t n, const double *l, int32_t ldl, double *x) {
  library.cblas_dtrsv(ROW_MAJOR, LOWER, operation(transposes), NOT_UNIT, n, l, ldl, x, 1);
}

// The lower triangle by rows is the upper one by columns.

int32_t openblas_potrf(int32_t n, double *a, int32_t lda) {
  int info = 0;
  library.dpotrf_("U", &n, a, &lda, &info, 1);
  return info;
}

int32_t openblas_syev(int32_t n, double *a, int32_t lda, double *values, double *work, int32_t count) {
  int info = 0;
  library.dsyev_("V", "U", &n, a, &lda, values, work, &count, &info, 1, 1);
  return info;
}
