#pragma once

namespace pollux {

class Service;

/// Each serves until `StopSign::requested`, and returns when nothing is left of it.
void serve_iterative(Service& service);
void serve_threads(Service& service);
void serve_pool(Service& service);
void serve_fork(Service& service);
void serve_reactor(Service& service);
void serve_multi(Service& service);
void serve_coroutine(Service& service);

} // namespace pollux
