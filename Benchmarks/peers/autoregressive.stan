data { int T; vector[T + 5] y; }
transformed data {
  matrix[T, 5] lags;
  for (k in 1:5) lags[, k] = y[(6 - k):(T + 5 - k)];
}
parameters { real alpha; vector[5] beta; real<lower=0> sigma; }
model {
  alpha ~ normal(0, 10);
  beta ~ normal(0, 10);
  sigma ~ cauchy(0, 2.5);
  y[6:] ~ normal(alpha + lags * beta, sigma);
}
