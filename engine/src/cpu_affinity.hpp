#pragma once

#include <pthread.h>
#include <vector>

namespace pollux {

/// The numbers of the CPUs that the calling thread may run on; sched_getaffinity(2).
std::vector<std::size_t> allowed_cpus();

/// From now on the thread runs on that CPU only; pthread_setaffinity_np(3).
void pin(pthread_t thread, std::size_t cpu);

} // namespace pollux
