//! Counts the memory that is asked for, so that no input can ask for more than its own size explains.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to write; this one only counts, and asks the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    /// Const and without a destructor, so that to count asks for no memory itself.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// What `read` makes, which may ask for so many octets in all; what it gives back is not taken off.
#[track_caller]
pub fn within<T>(most: usize, read: impl FnOnce() -> T) -> T {
    let before = ASKED.get();
    let made = read();
    let asked = ASKED.get() - before;
    assert!(asked <= most, "it asks for {asked} octets of memory, and may for {most}");
    made
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.set(ASKED.get() + size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(old, layout) }
    }
}
