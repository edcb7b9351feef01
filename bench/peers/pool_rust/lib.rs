// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

//! bench/peers/pool_rust/lib.rs: rayon behind the face of bench/pool.h.

use rayon::prelude::*;
use std::os::raw::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The begin of pool_item.
#[repr(C)]
pub struct Item {
    run: unsafe extern "C" fn(*mut Item),
    heard: u64,
}

/// pool_face.
#[repr(C)]
pub struct Face {
    item_bytes: usize,
    open: extern "C" fn(u32, bool) -> bool,
    inside: extern "C" fn(bool, unsafe extern "C" fn(*mut c_void), *mut c_void),
    fib: extern "C" fn(u32) -> u64,
    each: unsafe extern "C" fn(*mut u32, usize, u32),
    submit: extern "C" fn(*mut Item),
    settle: Option<extern "C" fn()>,
    wave: Option<extern "C" fn(extern "C" fn(u32))>,
}

/// What the C side vouches for: that it lives, and may be used by another thread.
struct Lent<T>(*mut T);
unsafe impl<T> Send for Lent<T> {}
unsafe impl<T> Sync for Lent<T> {}
impl<T> Lent<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

static POOL: AtomicPtr<rayon::ThreadPool> = AtomicPtr::new(ptr::null_mut());

/// Opened before, by the same thread or before this one was made.
fn pool() -> &'static rayon::ThreadPool {
    unsafe { &*POOL.load(Ordering::Relaxed) }
}

extern "C" fn open(workers: u32, _outside: bool) -> bool {
    match rayon::ThreadPoolBuilder::new().num_threads(workers as usize).build() {
        Ok(made) => {
            POOL.store(Box::into_raw(Box::new(made)), Ordering::Relaxed);
            true
        }
        Err(_) => false,
    }
}

extern "C" fn inside(_loops: bool, f: unsafe extern "C" fn(*mut c_void), of: *mut c_void) {
    let of = Lent(of);
    pool().install(move || unsafe { f(of.get()) });
}

fn sum(n: u32) -> u64 {
    if n < 2 {
        return n as u64;
    }
    let (one, other) = rayon::join(|| sum(n - 1), || sum(n - 2));
    one + other
}

extern "C" fn fib(n: u32) -> u64 {
    sum(n)
}

unsafe extern "C" fn each(items: *mut u32, n: usize, k: u32) {
    std::slice::from_raw_parts_mut(items, n)
        .par_iter_mut()
        .enumerate()
        .for_each(|(i, item)| *item = item.wrapping_add(i as u32) % k);
}

extern "C" fn submit(item: *mut Item) {
    let item = Lent(item);
    pool().spawn(move || unsafe { ((*item.get()).run)(item.get()) });
}

static FACE: Face = Face {
    item_bytes: std::mem::size_of::<Item>(),
    open,
    inside,
    fib,
    each,
    submit,
    settle: None,
    wave: None,
};

#[no_mangle]
pub extern "C" fn pool_rust_face() -> *const Face {
    &FACE
}
