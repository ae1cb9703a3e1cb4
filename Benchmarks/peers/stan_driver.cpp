// Times one Stan model's log_prob_grad, or samples from it. Linked with each model's object file.
//
//     MODEL gradient DATA.json POSITION SECONDS
//     MODEL sample DATA.json CHAINS WARMUP DRAWS SEED DRAWS-FILE
//
// POSITION and DRAWS-FILE hold raw doubles; draws are of the parameters, chain after chain. Prints one JSON object.
#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/logger.hpp>
#include <stan/callbacks/writer.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed, std::ostream* messages);

namespace {

double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

/// Keeps the parameters of every draw, and counts what the sampler did.
class DrawFile : public stan::callbacks::writer {
 public:
  DrawFile(const std::string& path, std::size_t width) : file_(path, std::ios::binary), width_(width) {}

  void operator()(const std::vector<std::string>& names) override {
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (names[k] == "n_leapfrog__") leapfrogs_ = k;
      if (names[k] == "divergent__") divergences_ = k;
      // What is the sampler's own ends so; parameters follow.
      if (names[k].size() > 2 && names[k].substr(names[k].size() - 2) == "__") first_ = k + 1;
    }
  }
  void operator()(const std::vector<double>& draw) override {
    leapfrogs += draw[leapfrogs_];
    divergences += draw[divergences_];
    file_.write(reinterpret_cast<const char*>(draw.data() + first_), width_ * sizeof(double));
  }
  void operator()() override {}
  void operator()(const std::string&) override {}

  double leapfrogs = 0, divergences = 0;

 private:
  std::ofstream file_;
  std::size_t width_, first_ = 0, leapfrogs_ = 0, divergences_ = 0;
};

void time_gradient(stan::model::model_base& model, const std::string& path, double seconds) {
  const auto size = model.num_params_r();
  Eigen::VectorXd position(size), gradient(size);
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(position.data()), size * sizeof(double));
  double value = 0;
  auto elapsed = [&](long count) {
    const double start = now();
    for (long i = 0; i < count; ++i) value = stan::model::log_prob_grad<true, true>(model, position, gradient);
    return now() - start;
  };
  long count = 1;
  double time = elapsed(1);
  while (time < seconds / 4) time = elapsed(count *= 2);
  count = count * seconds / time + 1;
  std::cout << "{\"gradientNanoseconds\": [";
  for (int batch = 0; batch < 7; ++batch) std::cout << (batch ? ", " : "") << 1e9 * elapsed(count) / count;
  std::cout << "], \"logDensity\": " << value << ", \"gradient\": [";
  for (Eigen::Index i = 0; i < gradient.size(); ++i) std::cout << (i ? ", " : "") << gradient[i];
  std::cout << "]}\n";
}

int sample(stan::model::model_base& model, char** words) {
  const int chains = std::stoi(words[0]), warmup = std::stoi(words[1]), draws = std::stoi(words[2]);
  const unsigned int seed = std::stoul(words[3]);
  std::vector<std::string> names;
  model.constrained_param_names(names, false, false);
  DrawFile file(words[4], names.size());
  stan::callbacks::interrupt interrupt;
  stan::callbacks::logger logger;
  stan::callbacks::writer ignored;
  stan::io::empty_var_context no_start;
  const double start = now();
  for (int chain = 1; chain <= chains; ++chain) {
    const int status = stan::services::sample::hmc_nuts_diag_e_adapt(
        model, no_start, seed, chain, 2.0, warmup, draws, 1, false, 0, 1.0, 0.0, 10, 0.8, 0.05, 0.75, 10.0, 75, 50, 25,
        interrupt, logger, ignored, file, ignored);
    if (status) return status;
  }
  std::cout << "{\"seconds\": " << now() - start << ", \"leapfrogs\": " << file.leapfrogs
            << ", \"divergences\": " << file.divergences << ", \"columns\": " << names.size() << "}\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (!((mode == "gradient" && argc == 5) || (mode == "sample" && argc == 8))) return 64;
  std::ifstream input(argv[2]);
  stan::json::json_data data(input);
  auto& model = new_model(data, 1, &std::cerr);
  std::cout.precision(17);
  if (mode == "sample") return sample(model, argv + 3);
  time_gradient(model, argv[3], std::stod(argv[4]));
  return 0;
}
