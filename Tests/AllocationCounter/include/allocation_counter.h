#pragma once

/// Allocations that the calling thread has made since it started.
long allocation_count(void);
