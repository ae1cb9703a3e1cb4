data { int N; int K; matrix[N, K] x; vector[N] y; }
parameters { real alpha; vector[K] beta; }
model {
  alpha ~ normal(0, 5);
  beta ~ normal(0, 2.5);
  target += -0.5 * N * log(dot_self(y - alpha - x * beta));
}
