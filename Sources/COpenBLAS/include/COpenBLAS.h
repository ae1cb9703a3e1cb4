// What Cairn needs of dense linear algebra: a few routines of BLAS and LAPACK, out of OpenBLAS.
//
// The library is opened when it is first asked for, with prototypes of our own, so that its headers are not needed to
// build, and a program that multiplies no matrices neither loads it nor starts its threads. All matrices are row-major
// doubles; leading dimensions are their numbers of columns. All functions may be called from any thread.
#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stdint.h>

/// Opens the library, on one thread, where that was not done: 1, or 0 where there is none of the routines below.
///
/// The routines must not be called before this returned 1.
int openblas_open(void);

/// The build of the library, and the processor it computes for.
const char *_Nonnull openblas_build(void);
const char *_Nonnull openblas_core(void);

/// c = alpha op(a) op(b) + beta c, with op(a) of m × k and op(b) of k × n.
void openblas_gemm(
    int transposes_a, int transposes_b, int32_t m, int32_t n, int32_t k, double alpha, const double *_Nonnull a,
    int32_t lda, const double *_Nonnull b, int32_t ldb, double beta, double *_Nonnull c, int32_t ldc);

/// y = a x, with a of m × n.
void openblas_gemv(
    int32_t m, int32_t n, const double *_Nonnull a, int32_t lda, const double *_Nonnull x, double *_Nonnull y);

/// Solves op(l) x = b, or x op(l) = b where it stands on the right, for lower triangular l and b of m × n, in place.
void openblas_trsm(
    int is_right, int transposes, int32_t m, int32_t n, const double *_Nonnull l, int32_t ldl, double *_Nonnull b,
    int32_t ldb);

/// Solves op(l) x = b for lower triangular l of n × n, in place.
void openblas_trsv(int transposes, int32_t n, const double *_Nonnull l, int32_t ldl, double *_Nonnull x);

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor; otherwise the number, from 1, of the first
/// leading minor that is not positive.
int32_t openblas_potrf(int32_t n, double *_Nonnull a, int32_t lda);

/// Replaces a symmetric matrix by its eigenvectors, one per row, and gives its eigenvalues from the least; 0, or what
/// LAPACK says of the failure. `work` has room for `count` doubles, 3n − 1 at least.
int32_t openblas_syev(
    int32_t n, double *_Nonnull a, int32_t lda, double *_Nonnull values, double *_Nonnull work, int32_t count);

#endif
