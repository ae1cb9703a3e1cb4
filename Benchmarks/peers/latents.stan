data { int N; vector[N] y; }
parameters { real mu; real<lower=0> tau; vector[N] z; }
model {
  mu ~ normal(0, 1);
  tau ~ normal(0, 1);
  z ~ normal(mu, tau);
  y ~ normal(z, 1);
}
