#define _GNU_SOURCE
#include "quad_precision.h"

#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#if defined(__SIZEOF_FLOAT128__) && LDBL_MANT_DIG != 113
typedef __float128 quad;
#define SYMBOL(name) name "q"
static void *open_library(void) { return dlopen("libquadmath.so.0", RTLD_NOW | RTLD_LOCAL); }
#else
typedef long double quad;
#define SYMBOL(name) name "l"
static void *open_library(void) { return LDBL_MANT_DIG == 113 ? dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL) : NULL; }
#endif

#define FUNCTIONS(X)                                                                                                   \
  X(exp) X(log) X(log1p) X(expm1) X(sinh) X(cosh) X(tanh) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(erf) X(erfc)  \
  X(lgamma)

static struct {
#define MEMBER(name) quad (*name)(quad);
  FUNCTIONS(MEMBER)
  quad (*pow)(quad, quad);
} quads;

static int is_open = 0;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  void *library = open_library();
  if (!library) return;
#define LOAD(name)                                                                                                     \
  if (!(quads.name = (quad(*)(quad))dlsym(library, SYMBOL(#name)))) return;
  FUNCTIONS(LOAD)
  if (!(quads.pow = (quad(*)(quad, quad))dlsym(library, SYMBOL("pow")))) return;
  is_open = 1;
}

int quad_is_available(void) {
  pthread_once(&once, load);
  return is_open;
}

static quad magnitude(quad x) { return x < 0 ? -x : x; }
static int is_nan(quad x) { return x != x; }

// From their series, as sums of two doubles and a rest.
static quad pi(void) { return 4 * quads.atan(1); }
static quad root_half(void) { return quads.exp(-quads.log(2) / 2); }

// MARK: - Made of the elementary ones

static quad logistic(quad x) { return 1 / (1 + quads.exp(-x)); }

static quad softplus(quad x) { return x > 0 ? x + quads.log1p(quads.exp(-x)) : quads.log1p(quads.exp(x)); }

static quad log_logistic(quad x) { return -softplus(-x); }

static quad log1mexp(quad x) {
  return x > -0.69 ? quads.log(-quads.expm1(x)) : quads.log1p(-quads.exp(x));
}

static quad normal_cdf(quad x) { return quads.erfc(-x * root_half()) / 2; }

static quad normal_log_cdf(quad x) {
  if (x > 3) return quads.log1p(-normal_cdf(-x));
  if (x > -140) return quads.log(normal_cdf(x));
  // The asymptotic series of Mills' ratio (Abramowitz & Stegun 26.2.12): 18 terms suffice beyond 140.
  quad term = 1, sum = 1;
  for (int k = 1; k <= 18; k++) sum += term *= -(2 * k - 1) / (x * x);
  return -x * x / 2 - quads.log(-x) - quads.log(2 * pi()) / 2 + quads.log(sum);
}

/// By Halley's steps from a value near it; NaN where they do not get there.
static quad normal_quantile(quad p, double near) {
  if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
  // By the smaller tail; 1 − p is exact.
  int is_upper = p > 0.5;
  quad tail = is_upper ? 1 - p : p, x = is_upper ? -near : near, rest = 1;
  for (int k = 0; k < 40 && magnitude(rest) > 1e-33; k++) {
    quad density = quads.exp(-x * x / 2) / (2 * quads.exp(quads.log(pi() / 2) / 2));
    rest = (normal_cdf(x) - tail) / density;
    x -= rest / (1 + rest * x / 2);
    if (is_nan(x)) return x;
    if (magnitude(rest) < 1e-33 * magnitude(x)) break;
  }
  if (magnitude(normal_cdf(x) - tail) > 1e-30 * tail) return NAN;
  return is_upper ? -x : x;
}

// Bernoulli numbers from B₂, as fractions.
static const double bernoulli[][2] = {
    {1, 6},           {-1, 30},          {1, 42},      {-1, 30},      {5, 66},         {-691, 2730},
    {7, 6},           {-3617, 510},      {43867, 798}, {-174611, 330}, {854513, 138},   {-236364091, 2730},
    {8553103, 6},     {-23749461029, 870}, {8615841276005, 14322},
};
enum { TERMS = sizeof bernoulli / sizeof *bernoulli };

/// The distance to the next whole number, which sines of multiples of π depend on.
static quad fraction(double x) { return (quad)(x - nearbyint(x)); }

static quad digamma(double value) {
  quad x = value, sum = 0;
  if (value < 0) {
    if (value == nearbyint(value)) return NAN;
    sum = -pi() / quads.tan(pi() * fraction(value));
    x = 1 - x;
  }
  for (; x < 60; x += 1) sum -= 1 / x;
  sum += quads.log(x) - 1 / (2 * x);
  quad power = 1;
  for (int k = 0; k < TERMS; k++) {
    power /= x * x;
    sum -= (quad)bernoulli[k][0] / bernoulli[k][1] * power / (2 * k + 2);
  }
  return sum;
}

static quad trigamma(double value) {
  quad x = value, sum = 0, sign = 1;
  if (value < 0) {
    if (value == nearbyint(value)) return INFINITY;
    quad sine = quads.sin(pi() * fraction(value));
    sum = pi() * pi() / (sine * sine);
    sign = -1;
    x = 1 - x;
  }
  quad own = 0;
  for (; x < 60; x += 1) own += 1 / (x * x);
  own += 1 / x + 1 / (2 * x * x);
  quad power = 1 / x;
  for (int k = 0; k < TERMS; k++) {
    power /= x * x;
    own += (quad)bernoulli[k][0] / bernoulli[k][1] * power;
  }
  return sum + sign * own;
}

/// log |Γ|, for negative x by reflection.
static quad log_gamma(double value) {
  if (value > 0) return quads.lgamma(value);
  if (value == nearbyint(value)) return INFINITY;
  quad sine = magnitude(quads.sin(pi() * fraction(value)));
  return quads.log(pi() / sine) - quads.lgamma(1 - (quad)value);
}

// MARK: - By name

static int value(const char *name, double x, const double *y, double near, quad *result) {
#define ELEMENTARY(function)                                                                                           \
  if (!strcmp(name, #function)) return *result = quads.function(x), 1;
  ELEMENTARY(exp)
  ELEMENTARY(log)
  ELEMENTARY(log1p)
  ELEMENTARY(expm1)
  ELEMENTARY(sinh)
  ELEMENTARY(cosh)
  ELEMENTARY(tanh)
  ELEMENTARY(sin)
  ELEMENTARY(cos)
  ELEMENTARY(tan)
  ELEMENTARY(asin)
  ELEMENTARY(acos)
  ELEMENTARY(atan)
  ELEMENTARY(erf)
  ELEMENTARY(erfc)
#define MADE(text, expression)                                                                                         \
  if (!strcmp(name, text)) return *result = (expression), 1;
  MADE("logistic", logistic(x))
  MADE("softplus", softplus(x))
  MADE("logLogistic", log_logistic(x))
  MADE("log1mexp", log1mexp(x))
  MADE("normalCDF", normal_cdf(x))
  MADE("normalLogCDF", normal_log_cdf(x))
  MADE("normalQuantile", normal_quantile(x, near))
  MADE("logGamma", log_gamma(x))
  MADE("digamma", digamma(x))
  MADE("trigamma", trigamma(x))
  if (!strcmp(name, "power") && y) return *result = quads.pow(x, *y), 1;
  return 0;
}

static double spacing(double x) {
  return x == 0 || fabs(x) < DBL_MIN ? 0x1p-1074 : ldexp(1, ilogb(x) - 52);
}

int quad_errors(
    const char *name, const double *x, const double *y, const double *computed, const double *least,
    double *errors, size_t count) {
  if (!quad_is_available()) return 0;
  for (size_t k = 0; k < count; k++) {
    quad exact;
    if (!value(name, x[k], y ? y + k : NULL, computed[k], &exact)) return 0;
    double rounded = (double)exact;
    if (isnan(computed[k]) || isnan(rounded)) {
      errors[k] = isnan(computed[k]) && isnan(rounded) ? 0 : INFINITY;
    } else if (isinf(computed[k]) || isinf(rounded)) {
      errors[k] = computed[k] == rounded ? 0 : INFINITY;
    } else {
      errors[k] = (double)(magnitude(computed[k] - exact) / spacing(fmax(fabs(rounded), least ? least[k] : 0)));
    }
  }
  return 1;
}

int quad_relative_errors(
    const char *name, const double *x, const double *high, const double *low, double *errors, size_t count) {
  if (!quad_is_available()) return 0;
  for (size_t k = 0; k < count; k++) {
    quad exact;
    if (!value(name, x[k], NULL, high[k], &exact)) return 0;
    errors[k] = (double)(magnitude((quad)high[k] - exact + low[k]) / magnitude(exact));
  }
  return 1;
}
