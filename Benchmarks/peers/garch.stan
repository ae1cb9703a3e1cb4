data { int T; vector[T] y; }
parameters {
  real<lower=0> alpha0;
  real<lower=0, upper=1> alpha1;
  real mu;
  real<lower=0, upper=1 - alpha1> beta1;
}
model {
  vector[T] sigma;
  sigma[1] = 0.5;
  for (t in 2:T) sigma[t] = sqrt(alpha0 + alpha1 * square(y[t - 1] - mu) + beta1 * square(sigma[t - 1]));
  beta1 ~ uniform(0, 1 - alpha1);
  y ~ normal(mu, sigma);
}
