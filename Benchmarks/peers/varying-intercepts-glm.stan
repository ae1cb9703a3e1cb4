data { int N; int J; array[N] int<lower=1, upper=J> group; vector[N] x; vector[N] y; }
transformed data { matrix[N, 1] columns = to_matrix(x, N, 1); }
parameters { real beta; real mu; real<lower=0> sigma; real<lower=0> tau; vector[J] z; }
model {
  vector[J] alpha = mu + tau * z;
  beta ~ normal(0, 1);
  mu ~ normal(0, 2);
  sigma ~ normal(0, 1);
  tau ~ normal(0, 1);
  z ~ std_normal();
  y ~ normal_id_glm(columns, alpha[group], [beta]', sigma);
}
