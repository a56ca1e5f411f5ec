#include "cpu_affinity.hpp"

#include <cerrno>
#include <pollux/error.hpp>
#include <string>

#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t per_set = 8 * sizeof(cpu_set_t);

} // namespace

std::vector<std::size_t> allowed_cpus() {
    std::vector<cpu_set_t> sets(1);
    // EINVAL: the kernel has more CPUs than fit.
    while (sys::sched_getaffinity(0, sizeof(cpu_set_t) * sets.size(), sets.data()) < 0) {
        if (errno != EINVAL || sets.size() > 1024) throw_system_error(errno, "sched_getaffinity");
        sets.assign(2 * sets.size(), {});
    }
    std::vector<std::size_t> cpus;
    for (std::size_t cpu = 0; cpu < per_set * sets.size(); ++cpu)
        if (CPU_ISSET(cpu % per_set, &sets[cpu / per_set])) cpus.push_back(cpu);
    return cpus;
}

void pin(pthread_t thread, std::size_t cpu) {
    std::vector<cpu_set_t> sets(cpu / per_set + 1);
    CPU_SET(cpu % per_set, &sets.back());
    const std::size_t size = sizeof(cpu_set_t) * sets.size();
    if (const int error = sys::pthread_setaffinity_np(thread, size, sets.data()); error != 0)
        throw_system_error(error, "pthread_setaffinity_np", "CPU " + std::to_string(cpu));
}

} // namespace pollux
