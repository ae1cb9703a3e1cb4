// The models of the notebooks beside this file, by hand: log density with all constants and Jacobian terms, and its
// gradient, at an unconstrained position in Cairn's order. Each is what a careful person would write who knows the
// model: loops fused where that is easy, dense algebra by LAPACK, no tricks that change the sums.
//
//     models NAME DATA.csv POSITION SECONDS
//
// POSITION holds raw doubles. Prints one JSON object: value, gradient, nanoseconds per evaluation of seven batches.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HALF_LOG_2PI 0.91893853320467274178
#define LOG_2 0.69314718055994530942
#define LOG_PI 1.14472988584940017414

// MARK: - Data

static int rows, columns;       // of the file
static double **column;         // its columns, 64-byte aligned
static double *scratch[3];      // as long as the file

static double *array(long count) {
  double *result = aligned_alloc(64, ((count + 8) * sizeof(double) + 63) / 64 * 64);
  if (!result) abort();
  memset(result, 0, (count + 8) * sizeof(double));
  return result;
}

static void fail(const char *words, const char *name) {
  fprintf(stderr, "models: %s `%s`\n", words, name);
  exit(1);
}

static char *text_of(const char *path, long *size) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot read", path);
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  char *text = malloc(*size + 1);
  if (fread(text, 1, *size, file) != (size_t)*size) fail("cannot read", path);
  text[*size] = 0;
  fclose(file);
  return text;
}

static void read_table(const char *path) {
  long size;
  char *text = text_of(path, &size), *at = strchr(text, '\n');
  if (!at) fail("no table in", path);
  columns = 1;
  for (char *c = text; c < at; c++) columns += *c == ',';
  for (char *c = at + 1; *c; c++) rows += *c == '\n';
  column = malloc(columns * sizeof *column);
  for (int k = 0; k < columns; k++) column[k] = array(rows);
  for (int i = 0; i < rows; i++)
    for (int k = 0; k < columns; k++) column[k][i] = strtod(at + 1, &at);
  free(text);
}

// MARK: - Parts that return

static double normal(double x, double scale, double *slope) {
  *slope = -x / (scale * scale);
  return -0.5 * (x / scale) * (x / scale) - log(scale) - HALF_LOG_2PI;
}

// A half normal scale with its Jacobian, in log coordinates; adds to the slope of its coordinate.
static double half_normal(double x, double scale, double *slope) {
  *slope += 1 - (x / scale) * (x / scale);
  return LOG_2 - 0.5 * (x / scale) * (x / scale) - log(scale) - HALF_LOG_2PI + log(x);
}

// The same for a half Cauchy scale.
static double half_cauchy(double x, double scale, double *slope) {
  double square = (x / scale) * (x / scale);
  *slope += 1 - 2 * square / (1 + square);
  return LOG_2 - LOG_PI - log(scale) - log1p(square) + log(x);
}

static double coefficients(const double *q, double *g, int count) {
  double value = normal(q[0], 5, &g[0]);
  for (int k = 1; k <= count; k++) value += normal(q[k], 2.5, &g[k]);
  return value;
}

// MARK: - Models

// mu, tau, standardized theta[8]
static double eight_schools(const double *q, double *g) {
  const double *y = column[0], *error = column[1];
  double mu = q[0], tau = exp(q[1]), value = normal(mu, 5, &g[0]);
  g[1] = 0;
  value += half_cauchy(tau, 5, &g[1]);
  double sum = 0, weighted = 0, terms = 0;
  for (int j = 0; j < 8; j++) {
    double z = q[2 + j], inverse = 1 / error[j], r = (y[j] - mu - tau * z) * inverse, d = r * inverse;
    terms += -0.5 * z * z - 0.5 * r * r + log(inverse);
    sum += d;
    weighted += d * z;
    g[2 + j] = tau * d - z;
  }
  g[0] += sum;
  g[1] += tau * weighted;
  return value + terms - 16 * HALF_LOG_2PI;
}

// Rows of a block stay in the cache between the predictor and the gradient: one pass over the design.
enum { BLOCK = 256 };

static void predictor(double *restrict eta, const double *q, int from, int count, int width) {
  for (int i = 0; i < count; i++) eta[i] = q[0];
  for (int k = 0; k < width; k++) {
    const double *restrict x = column[k] + from;
    double b = q[1 + k];
    for (int i = 0; i < count; i++) eta[i] += b * x[i];
  }
}

static void add_products(double *g, const double *restrict r, int from, int count, int width) {
  for (int k = 0; k < width; k++) {
    const double *restrict x = column[k] + from;
    double sum = 0;
    for (int i = 0; i < count; i++) sum += r[i] * x[i];
    g[1 + k] += sum;
  }
}

// Sums of squares of residuals; residual products are added to `products`.
static double squares(const double *q, double *products, int width) {
  const double *y = column[width];
  double total = 0;
  for (int from = 0; from < rows; from += BLOCK) {
    int count = rows - from < BLOCK ? rows - from : BLOCK;
    double r[BLOCK], sum = 0, square = 0;
    predictor(r, q, from, count, width);
    for (int i = 0; i < count; i++) {
      r[i] = y[from + i] - r[i];
      sum += r[i];
      square += r[i] * r[i];
    }
    products[0] += sum;
    add_products(products, r, from, count, width);
    total += square;
  }
  return total;
}

// alpha, beta[K], sigma
static double linear(const double *q, double *g) {
  int width = columns - 1;
  double sigma = exp(q[1 + width]), value = coefficients(q, g, width), products[64] = {0};
  double square = squares(q, products, width), precision = 1 / (sigma * sigma);
  for (int k = 0; k <= width; k++) g[k] += products[k] * precision;
  g[1 + width] = square * precision - rows;
  value += half_normal(sigma, 5, &g[1 + width]);
  return value - 0.5 * square * precision - rows * (q[1 + width] + HALF_LOG_2PI);
}

// alpha, beta[K]
static double linear_profiled(const double *q, double *g) {
  int width = columns - 1;
  double value = coefficients(q, g, width), products[64] = {0};
  double square = squares(q, products, width);
  for (int k = 0; k <= width; k++) g[k] += rows * products[k] / square;
  return value - 0.5 * rows * log(square);
}

// The log likelihood of ones and zeros; predictors become residuals.
static double bernoulli(double *restrict eta, const double *restrict y, int count, double *residuals) {
  double value = 0, sum = 0;
  for (int i = 0; i < count; i++) {
    double e = exp(-fabs(eta[i])), inverse = 1 / (1 + e);
    value += y[i] * eta[i] - (eta[i] > 0 ? eta[i] : 0) - log(1 + e);
    eta[i] = y[i] - (eta[i] > 0 ? inverse : e * inverse);
    sum += eta[i];
  }
  *residuals = sum;
  return value;
}

// alpha, beta[K]
static double logistic(const double *q, double *g) {
  int width = columns - 1;
  const double *y = column[width];
  double value = coefficients(q, g, width), eta[BLOCK];
  for (int from = 0; from < rows; from += BLOCK) {
    int count = rows - from < BLOCK ? rows - from : BLOCK;
    double sum;
    predictor(eta, q, from, count, width);
    value += bernoulli(eta, y + from, count, &sum);
    g[0] += sum;
    add_products(g, eta, from, count, width);
  }
  return value;
}

// alpha, beta[K]: the mean needs all rows before the first likelihood term.
static double logistic_centered(const double *q, double *g) {
  int width = columns - 1;
  double value = coefficients(q, g, width), *eta = scratch[0], sum = 0, all;
  for (int from = 0; from < rows; from += BLOCK)
    predictor(eta + from, q, from, rows - from < BLOCK ? rows - from : BLOCK, width);
  for (int i = 0; i < rows; i++) sum += eta[i] - q[0];
  double mean = sum / rows;
  for (int i = 0; i < rows; i++) eta[i] -= mean;
  value += bernoulli(eta, column[width], rows, &all);
  g[0] += all;
  for (int i = 0; i < rows; i++) eta[i] -= all / rows;
  for (int from = 0; from < rows; from += BLOCK)
    add_products(g, eta + from, from, rows - from < BLOCK ? rows - from : BLOCK, width);
  return value;
}

// alpha, beta[5], sigma
static double autoregressive(const double *q, double *g) {
  int steps = rows - 5;
  const double *restrict y = column[0];
  double sigma = exp(q[6]), precision = 1 / (sigma * sigma), value = normal(q[0], 10, &g[0]);
  for (int k = 1; k <= 5; k++) value += normal(q[k], 10, &g[k]);
  double square = 0, s = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0;
  for (int t = 5; t < steps + 5; t++) {
    double r = y[t] - q[0] - q[1] * y[t - 1] - q[2] * y[t - 2] - q[3] * y[t - 3] - q[4] * y[t - 4] - q[5] * y[t - 5];
    square += r * r;
    s += r;
    s1 += r * y[t - 1];
    s2 += r * y[t - 2];
    s3 += r * y[t - 3];
    s4 += r * y[t - 4];
    s5 += r * y[t - 5];
  }
  double sums[6] = {s, s1, s2, s3, s4, s5};
  for (int k = 0; k < 6; k++) g[k] += sums[k] * precision;
  g[6] = square * precision - steps;
  value += half_cauchy(sigma, 2.5, &g[6]);
  return value - 0.5 * square * precision - steps * (q[6] + HALF_LOG_2PI);
}

// alpha0, alpha1, mu, beta1: the variances forward, their slopes backward, the rest in plain loops.
static double garch(const double *q, double *g) {
  const double *restrict y = column[0];
  double *restrict square = scratch[0], *restrict variance = scratch[1], *restrict slope = scratch[2];
  int T = rows;
  double alpha0 = exp(q[0]), alpha1 = 1 / (1 + exp(-q[1])), mu = q[2], share = 1 / (1 + exp(-q[3]));
  double beta1 = (1 - alpha1) * share;
  for (int t = 0; t < T; t++) square[t] = (y[t] - mu) * (y[t] - mu);
  variance[0] = 0.25;
  for (int t = 1; t < T; t++) variance[t] = alpha0 + alpha1 * square[t - 1] + beta1 * variance[t - 1];
  double logs = 0, quadratic = 0, direct = 0;
  for (int t = 0; t < T; t++) {
    double inverse = 1 / variance[t], scaled = square[t] * inverse;
    logs += log(variance[t]);
    quadratic += scaled;
    direct += (y[t] - mu) * inverse;
    slope[t] = 0.5 * (scaled - 1) * inverse;
  }
  for (int t = T - 2; t > 0; t--) slope[t] += beta1 * slope[t + 1];
  double d0 = 0, d1 = 0, dm = 0, db = 0;
  for (int t = 1; t < T; t++) {
    d0 += slope[t];
    d1 += slope[t] * square[t - 1];
    dm += slope[t] * (y[t - 1] - mu);
    db += slope[t] * variance[t - 1];
  }
  g[0] = d0 * alpha0 + 1;
  g[1] = (d1 - share * db) * alpha1 * (1 - alpha1) + 1 - 2 * alpha1;
  g[2] = direct - 2 * alpha1 * dm;
  g[3] = db * (1 - alpha1) * share * (1 - share) + 1 - 2 * share;
  // The bound of beta1 stands in its density and, with the other sign, in its Jacobian.
  return q[0] + log(alpha1 * (1 - alpha1)) + log(share * (1 - share)) - 0.5 * (logs + quadratic) - T * HALF_LOG_2PI;
}

// beta, mu, sigma, tau, standardized alpha[85]; rows are sorted by group.
static int group_count, *group_start;

static void prepare_varying_intercepts(void) {
  group_start = calloc(rows + 2, sizeof(int));
  for (int i = 0; i < rows; i++) {
    if (i == 0 || column[0][i] != column[0][i - 1]) group_start[group_count++] = i;
  }
  group_start[group_count] = rows;
}

static double varying_intercepts(const double *q, double *g) {
  const double *restrict x = column[1], *restrict y = column[2];
  double beta = q[0], mu = q[1], sigma = exp(q[2]), tau = exp(q[3]), precision = 1 / (sigma * sigma);
  double value = normal(beta, 1, &g[0]) + normal(mu, 2, &g[1]);
  double square = 0, products = 0, sum = 0, weighted = 0, z2 = 0;
  for (int j = 0; j < group_count; j++) {
    double z = q[4 + j], alpha = mu + tau * z, own = 0;
    for (int i = group_start[j]; i < group_start[j + 1]; i++) {
      double r = y[i] - alpha - beta * x[i];
      square += r * r;
      products += r * x[i];
      own += r;
    }
    own *= precision;
    sum += own;
    weighted += own * z;
    z2 += z * z;
    g[4 + j] = tau * own - z;
  }
  g[0] += products * precision;
  g[1] += sum;
  g[2] = square * precision - rows;
  g[3] = tau * weighted;
  value += half_normal(sigma, 1, &g[2]) + half_normal(tau, 1, &g[3]);
  return value - 0.5 * square * precision - rows * (q[2] + HALF_LOG_2PI) - 0.5 * z2 - group_count * HALF_LOG_2PI;
}

// Fortran's: lower triangles, by columns.
void dpotrf_(const char *, const int *, double *, const int *, int *);
void dpotri_(const char *, const int *, double *, const int *, int *);
void dsymv_(
  const char *, const int *, const double *, const double *, const int *, const double *, const int *, const double *,
  double *, const int *);

// The factor, then the inverse in its place; returns the sum of the logs of the factor's diagonal.
static double invert(double *matrix, int size) {
  int status;
  double logs = 0;
  dpotrf_("L", &size, matrix, &size, &status);
  if (status) fail("no positive definite matrix in", "the model");
  for (int i = 0; i < size; i++) logs += log(matrix[i * size + i]);
  dpotri_("L", &size, matrix, &size, &status);
  return logs;
}

static void multiply(const double *matrix, const double *x, double *result, int size) {
  const double one = 1, zero = 0;
  const int step = 1;
  dsymv_("L", &size, &one, matrix, &size, x, &step, &zero, result, &step);
}

// alpha, rho, sigma
static double *kernel, *inverse_matrix;

static void prepare_gaussian_process(void) {
  kernel = array((long)rows * rows);
  inverse_matrix = array((long)rows * rows);
}

static double gaussian_process(const double *q, double *g) {
  const double *restrict x = column[0], *restrict y = column[1];
  double alpha = exp(q[0]), rho = exp(q[1]), sigma = exp(q[2]), variance = alpha * alpha, scale = -0.5 / (rho * rho);
  int n = rows;
  for (int j = 0; j < n; j++) {
    double *restrict k = kernel + j * n, *restrict c = inverse_matrix + j * n, at = x[j];
    for (int i = j; i < n; i++) c[i] = k[i] = variance * exp(scale * (x[i] - at) * (x[i] - at));
    c[j] += sigma * sigma;
  }
  double logs = invert(inverse_matrix, n), *a = scratch[0], quadratic = 0, dv = 0, dr = 0, diagonal = 0;
  multiply(inverse_matrix, y, a, n);
  for (int j = 0; j < n; j++) {
    const double *restrict k = kernel + j * n, *restrict p = inverse_matrix + j * n;
    double at = x[j], aj = a[j], sum = 0, moment = 0;
    for (int i = j + 1; i < n; i++) {
      double w = (a[i] * aj - p[i]) * k[i];
      sum += w;
      moment += w * (x[i] - at) * (x[i] - at);
    }
    double own = 0.5 * (aj * aj - p[j]);
    dv += sum + own * variance;
    dr += moment;
    diagonal += own;
    quadratic += y[j] * aj;
  }
  g[0] = 2 * dv;
  g[1] = dr / (rho * rho) + 25 - 4 * rho;
  g[2] = 2 * sigma * sigma * diagonal;
  double value = half_normal(alpha, 2, &g[0]) + half_normal(sigma, 1, &g[2]);
  value += 25 * log(4) - lgamma(25) + 25 * q[1] - 4 * rho;
  return value - 0.5 * quadratic - logs - n * HALF_LOG_2PI;
}

// z[50]: the covariance is data, so it is inverted before the clock runs.
static double *precision_matrix, precision_logs;

static void prepare_multivariate_normal(void) {
  int n = rows;
  precision_matrix = array((long)n * n);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) precision_matrix[j * n + i] = column[j][i];
  precision_logs = invert(precision_matrix, n);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < j; i++) precision_matrix[j * n + i] = precision_matrix[i * n + j];
}

static double multivariate_normal(const double *q, double *g) {
  int n = rows;
  const double *location = column[columns - 1];
  double *d = scratch[0], quadratic = 0;
  for (int i = 0; i < n; i++) d[i] = location[i] - q[i];
  for (int i = 0; i < n; i++) g[i] = 0;
  for (int j = 0; j < n; j++) {
    const double *restrict p = precision_matrix + j * n;
    for (int i = 0; i < n; i++) g[i] += p[i] * d[j];
  }
  for (int i = 0; i < n; i++) quadratic += d[i] * g[i];
  return -0.5 * quadratic - precision_logs - n * HALF_LOG_2PI;
}

// mu, tau, z[rows]
static double latents(const double *q, double *g) {
  const double *restrict y = column[0], *restrict z = q + 2;
  double *restrict slope = g + 2;
  double mu = q[0], tau = exp(q[1]), precision = 1 / (tau * tau), value = normal(mu, 1, &g[0]);
  double sum = 0, square = 0, residual = 0;
  for (int i = 0; i < rows; i++) {
    double d = z[i] - mu, r = y[i] - z[i];
    sum += d;
    square += d * d;
    residual += r * r;
    slope[i] = r - d * precision;
  }
  g[0] += sum * precision;
  g[1] = square * precision - rows;
  value += half_normal(tau, 1, &g[1]);
  return value - 0.5 * (square * precision + residual) - rows * (q[1] + 2 * HALF_LOG_2PI);
}

// What `latents` reads and writes, and next to no arithmetic.
static double latents_traffic(const double *q, double *g) {
  const double *restrict y = column[0], *restrict z = q + 2;
  double *restrict slope = g + 2;
  for (int i = 0; i < rows; i++) slope[i] = y[i] - z[i];
  return slope[0];
}

// MARK: - Timing

typedef double density(const double *, double *);

static const struct {
  const char *name;
  density *evaluate;
  void (*prepare)(void);
  density *traffic;
} models[] = {
  {"eight-schools", eight_schools, 0, 0},
  {"linear-10000x25", linear, 0, 0},
  {"linear-profiled-10000x25", linear_profiled, 0, 0},
  {"logistic-1000x5", logistic, 0, 0},
  {"logistic-10000x25", logistic, 0, 0},
  {"logistic-100000x10", logistic, 0, 0},
  {"logistic-centered-10000x25", logistic_centered, 0, 0},
  {"autoregressive-200", autoregressive, 0, 0},
  {"garch-1000", garch, 0, 0},
  {"varying-intercepts-919x85", varying_intercepts, prepare_varying_intercepts, 0},
  {"gaussian-process-200", gaussian_process, prepare_gaussian_process, 0},
  {"multivariate-normal-50", multivariate_normal, prepare_multivariate_normal, 0},
  {"latents-1000x100", latents, 0, latents_traffic},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static volatile double sink;

static double elapsed(density *evaluate, const double *q, double *g, long count) {
  double start = now();
  for (long i = 0; i < count; i++) sink = evaluate(q, g);
  return now() - start;
}

// Seven batches of about so many seconds each, in nanoseconds per evaluation.
static void print_batches(const char *name, density *evaluate, const double *q, double *g, double seconds) {
  printf("\"%s\": [", name);
  long count = 1;
  double time = elapsed(evaluate, q, g, 1);
  while (time < seconds / 4) time = elapsed(evaluate, q, g, count *= 2);
  count = count * seconds / time + 1;
  for (int batch = 0; batch < 7; batch++)
    printf("%s%.6g", batch ? ", " : "", 1e9 * elapsed(evaluate, q, g, count) / count);
  printf("]");
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "models NAME DATA.csv POSITION SECONDS\n");
    return 64;
  }
  size_t which = 0, known = sizeof models / sizeof *models;
  while (which < known && strcmp(models[which].name, argv[1])) which++;
  if (which == known) fail("there is no model", argv[1]);
  read_table(argv[2]);
  for (int k = 0; k < 3; k++) scratch[k] = array(rows);
  if (models[which].prepare) models[which].prepare();
  long size;
  char *bytes = text_of(argv[3], &size);
  long dimension = size / (long)sizeof(double);
  double *q = array(dimension), *g = array(dimension), seconds = strtod(argv[4], 0);
  memcpy(q, bytes, size);
  density *evaluate = models[which].evaluate;
  double value = evaluate(q, g);
  printf("{\"logDensity\": %.17g, \"gradient\": [", value);
  for (long i = 0; i < dimension; i++) printf("%s%.17g", i ? ", " : "", g[i]);
  printf("], ");
  print_batches("gradientNanoseconds", evaluate, q, g, seconds);
  if (models[which].traffic) {
    printf(", ");
    print_batches("trafficNanoseconds", models[which].traffic, q, g, seconds);
  }
  printf("}\n");
  return 0;
}
