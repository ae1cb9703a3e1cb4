data { int N; int K; matrix[N, K] x; array[N] int<lower=0, upper=1> y; }
transformed data {
  // The mean of the predictor, without the intercept, is linear in beta.
  row_vector[K] means;
  for (k in 1:K) means[k] = mean(x[, k]);
}
parameters { real alpha; vector[K] beta; }
model {
  alpha ~ normal(0, 5);
  beta ~ normal(0, 2.5);
  y ~ bernoulli_logit_glm(x, alpha - means * beta, beta);
}
