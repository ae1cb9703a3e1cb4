data { int K; matrix[K, K] s; vector[K] loc; }
transformed data { matrix[K, K] factor = cholesky_decompose(s); }
parameters { vector[K] z; }
model { z ~ multi_normal_cholesky(loc, factor); }
