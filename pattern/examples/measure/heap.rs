//! What is on the heap: the bytes that were asked for, without the allocator's own.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns the bytes in use.
pub(crate) fn bytes() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Returns how often memory has been asked for since the program began.
pub(crate) fn allocations() -> usize {
    let stats = HEAP.stats();
    stats.allocations + stats.reallocations
}
