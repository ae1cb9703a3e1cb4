// Functions of one or two reals in arithmetic of 113 bits (IEEE binary128), to measure errors of doubles by.
//
// Elementary functions are those of libquadmath where the compiler has `__float128` (x86-64; OpenBLAS needs that library
// too), and the C library's own where `long double` has 113 bits. The others are made of them here.
#ifndef QUAD_PRECISION_H
#define QUAD_PRECISION_H

#include <stddef.h>

/// Whether there is such arithmetic on this machine.
int quad_is_available(void);

/// For each argument the error of a computed value, in units in the last place of the exact one rounded to a double, of
/// subnormal spacing below the normal range: infinite where one is not finite and the other is something else.
///
/// - `y`: the second argument of `power`; NULL for other functions.
/// - `least`: for each argument, a magnitude below which exact values are measured by the spacing there; NULL for none.
/// - Returns: 0 where there is no function of that name.
int quad_errors(
    const char *_Nonnull name, const double *_Nonnull x, const double *_Nullable y, const double *_Nonnull computed,
    const double *_Nullable least, double *_Nonnull errors, size_t count);

/// |high + low − f(x)| / |f(x)|: of a table's value, which has about 106 bits.
int quad_relative_errors(
    const char *_Nonnull name, const double *_Nonnull x, const double *_Nonnull high, const double *_Nonnull low,
    double *_Nonnull errors, size_t count);

#endif
