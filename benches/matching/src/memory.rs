//! Counts allocations per thread.

#![allow(unsafe_code, reason = "an allocator cannot be written without; this one passes everything on")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // Constant initialisers and no destructors, so that access does not allocate.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of this thread.
#[derive(Debug, Clone, Copy)]
pub struct Allocated {
    /// Bytes allocated and not yet freed. Negative if this thread freed memory of another.
    pub live: i64,
    /// Number of allocations and reallocations.
    pub times: u64,
}

impl Allocated {
    /// Counters of the current thread.
    pub fn now() -> Self {
        Self { live: LIVE.get(), times: ALLOCATIONS.get() }
    }
}

struct Counting;

fn count(bytes: i64, times: u64) {
    LIVE.set(LIVE.get() + bytes);
    ALLOCATIONS.set(ALLOCATIONS.get() + times);
}

// SAFETY: every call is passed unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as i64), 0);
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64, 1);
        // SAFETY: guaranteed by the caller.
        unsafe { System.realloc(memory, layout, size) }
    }
}
